// How far a request has arrived, by the framing of what arrives (RFC 9112). No I/O. It finds where
// the head and the body end and leaves everything else in a request alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace finwait::origin {

/// Reads one request. Lines may end in LF alone (RFC 9112 2.2). Transfer-Encoding overrides
/// Content-Length (RFC 9112 6.3). Keeps nothing but an unfinished line.
class request_reader
{
public:
    /// A head, the trailers, or a chunk's size line that is longer is malformed.
    static constexpr std::size_t longest_head_bytes = 64 * 1024;

    /// Takes the bytes that came next. What follows a complete or malformed request is ignored.
    void feed(std::string_view bytes);

    bool head_complete() const { return head_complete_; }
    bool complete() const { return stage_ == stage::complete; }

    /// What is wrong with the request; nullptr when nothing is. A malformed request stays so.
    const char* fault() const { return fault_; }

    /// HEAD: its response has no body (RFC 9110 9.3.2).
    bool is_head() const { return is_head_; }

    /// `Expect: 100-continue` (RFC 9110 10.1.1).
    bool expects_continue() const { return expects_continue_; }

    /// Body bytes that have come, without their framing.
    std::uint64_t body_bytes() const { return body_bytes_; }

    /// Content-Length; nullopt when the body is chunked or there is no such field.
    std::optional<std::uint64_t> announced_bytes() const;

    /// The most that can be read next so that at most `limit` body bytes come with it: at least 1.
    std::size_t next_within(std::uint64_t limit) const;

private:
    enum class stage {
        request_line,
        field,
        length_body,
        chunk_size,
        chunk_data,
        chunk_end,
        trailer,
        complete,
        malformed
    };

    std::optional<std::string_view> take_line(std::string_view& bytes);
    void take_body(std::string_view& bytes);
    void on_line(std::string_view line);
    void on_request_line(std::string_view line);
    void on_field(std::string_view line);
    void on_content_length(std::string_view value);
    void on_head_end();
    void on_chunk_size(std::string_view line);
    void fail(const char* why);

    stage stage_ = stage::request_line;
    bool head_complete_ = false;
    bool is_head_ = false;
    bool expects_continue_ = false;
    bool chunked_ = false;
    std::optional<std::uint64_t> length_;
    std::uint64_t left_ = 0; ///< of the length body or of the chunk
    std::uint64_t body_bytes_ = 0;
    std::size_t lines_bytes_ = 0; ///< of the head, the size line or the trailers so far
    const char* fault_ = nullptr;
    std::string unfinished_; ///< a line whose end has not come
    std::string line_;       ///< a line that came in pieces
};

} // namespace finwait::origin
