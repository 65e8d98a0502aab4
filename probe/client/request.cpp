#include "probe/client/request.hpp"

#include <fmt/format.h>

namespace finwait::client {
namespace {

constexpr std::uint64_t piece_bytes = 16 * kibibyte;

} // namespace

std::size_t half_head_bytes(const plan& what)
{
    return what.method.size() + std::string_view(" / HTTP/1.1\r\nHo").size();
}

std::string make_head(const plan& what, const std::string& host, const std::string& path)
{
    std::string head;
    head.reserve(256);
    head.append(what.method).append(" ").append(path).append(" HTTP/1.1\r\nHost: ").append(host);
    head.append("\r\nUser-Agent: finwait/" FINWAIT_VERSION "\r\nAccept: */*\r\n");
    if (what.request.how == framing::length)
        head.append("Content-Length: ").append(std::to_string(what.request.bytes)).append("\r\n");
    if (what.request.how == framing::chunked)
        head.append("Transfer-Encoding: chunked\r\n");
    if (what.request.how != framing::none)
        head.append("Content-Type: application/octet-stream\r\n");
    if (what.at == kill_point::expect_continue)
        head.append("Expect: 100-continue\r\n");
    return head.append("\r\n");
}

const std::string& body_source::next()
{
    piece_.clear();
    const bool chunked = what_.how == framing::chunked;
    if (sent_ < count_) {
        const auto whole = std::min(piece_bytes, what_.bytes - sent_);
        const auto part = std::min(whole, count_ - sent_);
        if (chunked)
            piece_ = fmt::format("{:x}\r\n", whole);
        piece_.append(part, 'f');
        sent_ += part;
        // A part ends inside a chunk, also where its last chunk is full.
        if (chunked && part == whole && (sent_ < count_ || count_ == what_.bytes))
            piece_ += "\r\n";
    }
    if (chunked && !ended_ && sent_ == what_.bytes) {
        piece_ += "0\r\n\r\n";
        ended_ = true;
    }
    return piece_;
}

} // namespace finwait::client
