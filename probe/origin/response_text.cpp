#include "probe/origin/response_text.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace finwait::origin {

namespace {

constexpr std::size_t period = 89; // prime, and so many visible characters from '!' on

constexpr std::string_view whole_size_line = "1000\r\n";
constexpr std::uint64_t whole_chunk_wire_bytes =
    whole_size_line.size() + response_text::chunk_bytes + 2;
constexpr std::string_view last_chunk = "0\r\n\r\n";

/// The body's pattern, long enough to copy a piece from any phase of it.
const auto& pattern()
{
    static const auto table = [] {
        std::array<char, 16 * 1024> made{};
        for (std::size_t i = 0; i < made.size(); ++i)
            made[i] = static_cast<char>('!' + i % period);
        return made;
    }();
    return table;
}

std::size_t copy_body(std::uint64_t offset, std::span<char> out)
{
    const auto phase = static_cast<std::size_t>(offset % period);
    const auto taken = std::min(out.size(), pattern().size() - phase);
    std::memcpy(out.data(), pattern().data() + phase, taken);
    return taken;
}

std::size_t copy_text(std::string_view text, std::uint64_t offset, std::span<char> out)
{
    const auto left = text.substr(static_cast<std::size_t>(offset));
    const auto taken = std::min(out.size(), left.size());
    std::memcpy(out.data(), left.data(), taken);
    return taken;
}

std::string size_line(std::uint64_t bytes)
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::string line;
    for (; bytes > 0; bytes /= 16)
        line.insert(line.begin(), digits[bytes % 16]);
    return line + "\r\n";
}

std::string head_of(const body& what)
{
    std::string head = "HTTP/1.1 200 OK\r\nServer: finwait\r\n"
                       "Content-Type: application/octet-stream\r\n";
    if (what.how == framing::chunked)
        head += "Transfer-Encoding: chunked\r\n";
    else if (what.how == framing::until_close)
        head += "Connection: close\r\n";
    else
        head += "Content-Length: " + std::to_string(what.bytes) + "\r\n";
    return head + "\r\n";
}

} // namespace

char body_byte(std::uint64_t i)
{
    return pattern()[static_cast<std::size_t>(i % period)];
}

response_text::response_text(const body& what) : what_(what), head_(head_of(what))
{
    size_ = wire_offset(what.bytes);
    if (what.how != framing::chunked)
        return;
    if (what.bytes % chunk_bytes > 0)
        size_ += 2;
    size_ += last_chunk.size();
}

std::uint64_t response_text::size(const request_reader& request) const
{
    return request.is_head() ? head_.size() : size_;
}

/// Where on the wire a response stands that has sent `body_offset` bytes of its body.
std::uint64_t response_text::wire_offset(std::uint64_t body_offset) const
{
    if (what_.how != framing::chunked)
        return head_.size() + body_offset;
    const auto whole = body_offset / chunk_bytes;
    const auto inside = body_offset % chunk_bytes;
    const auto wire = head_.size() + whole * whole_chunk_wire_bytes;
    if (inside == 0)
        return wire;
    return wire + size_line(std::min(chunk_bytes, what_.bytes - whole * chunk_bytes)).size() +
           inside;
}

std::uint64_t
response_text::stop_at(kill_point at, double position, const request_reader& request) const
{
    if (at == kill_point::response_headers) {
        const auto part = static_cast<std::uint64_t>(static_cast<double>(head_.size()) * position);
        const auto half_status_line = std::string_view("HTTP/1.1 2").size();
        return std::clamp<std::uint64_t>(part, half_status_line, head_.size() - 1);
    }
    if (at == kill_point::response_body && !request.is_head())
        return wire_offset(bytes_until_kill(what_, position));
    return size(request);
}

/// One piece from a body offset on the wire: part of a size line, of data, or of an end.
std::size_t response_text::copy_chunked(std::uint64_t offset, std::span<char> out) const
{
    // The last chunk is shorter, but with its end it may be longer on the wire than a whole one.
    const auto whole = std::min(offset / whole_chunk_wire_bytes, what_.bytes / chunk_bytes);
    const auto before = whole * chunk_bytes;
    const auto bytes = std::min(chunk_bytes, what_.bytes - before);
    auto inside = offset - whole * whole_chunk_wire_bytes;
    const bool after_all = bytes == 0;
    const auto line = after_all ? std::string() : size_line(bytes);
    if (inside < line.size())
        return copy_text(line, inside, out);
    inside -= line.size();
    if (inside < bytes)
        return copy_body(
            before + inside, out.first(std::min<std::size_t>(out.size(), bytes - inside))
        );
    const std::string_view end = after_all             ? last_chunk
                                 : bytes < chunk_bytes ? std::string_view("\r\n0\r\n\r\n")
                                                       : std::string_view("\r\n");
    return copy_text(end, inside - bytes, out);
}

std::size_t response_text::copy(std::uint64_t offset, std::uint64_t end, std::span<char> out) const
{
    std::size_t done = 0;
    out = out.first(static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), end - offset)));
    while (done < out.size()) {
        const auto at = offset + done;
        const auto rest = out.subspan(done);
        if (at < head_.size())
            done += copy_text(head_, at, rest);
        else if (what_.how == framing::chunked)
            done += copy_chunked(at - head_.size(), rest);
        else
            done += copy_body(at - head_.size(), rest);
    }
    return done;
}

} // namespace finwait::origin
