// The response as the bytes that go over the wire, by their offset. No I/O.
#pragma once

#include "probe/model/plan.hpp"
#include "probe/origin/request_reader.hpp"

#include <span>
#include <string>
#include <string_view>

namespace finwait::origin {

/// Byte `i` of every response body: visible ASCII with a prime period, so that a shift shows.
char body_byte(std::uint64_t i);

/// One response: head, body in its framing, end. Chunks carry 4096 (hex 1000) bytes each.
class response_text
{
public:
    static constexpr std::uint64_t chunk_bytes = 4096;

    explicit response_text(const body& what);

    std::string_view head() const { return head_; }

    /// All bytes of the response to that request; to HEAD the head alone.
    std::uint64_t size(const request_reader& request) const;

    /// Where a response stops for a kill point. `response_headers`: `position` of the head, at
    /// least `HTTP/1.1 2` (half a status line), at most all but one byte. `response_body`: the
    /// head and bytes_until_kill() of the body: inside a chunk when that is not a multiple of
    /// 4096, else after the CRLF of the last whole chunk. Any other: the whole.
    std::uint64_t stop_at(kill_point at, double position, const request_reader& request) const;

    /// Writes the bytes from `offset` on, up to `end`, into `out`. Gives how many.
    std::size_t copy(std::uint64_t offset, std::uint64_t end, std::span<char> out) const;

private:
    std::uint64_t wire_offset(std::uint64_t body_offset) const;
    std::size_t copy_chunked(std::uint64_t offset, std::span<char> out) const;

    body what_;
    std::string head_;
    std::uint64_t size_ = 0;
};

} // namespace finwait::origin
