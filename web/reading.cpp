#include "web/reading.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <string_view>

namespace finwait::web {

namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr std::size_t read_step_bytes = 4096;
constexpr std::string_view interim = "HTTP/1.1 100 Continue\r\n\r\n";

bool has_bare_line_feed(std::string_view raw)
{
    for (auto at = raw.find('\n'); at != std::string_view::npos; at = raw.find('\n', at + 1))
        if (at == 0 || raw[at - 1] != '\r')
            return true;
    return false;
}

/// Parses what there is of a header. True when it is complete or refused. The parser is a new one
/// each time: the same one, fed piece by piece, would wait for an empty line where it would have
/// refused the whole at once.
bool parse_now(connection& c, std::string_view raw)
{
    c.parser.emplace();
    c.parser->header_limit(static_cast<std::uint32_t>(longest_header_bytes));
    c.parser->body_limit(boost::none); // the guard refuses long ones, after what comes before that
    error_code error;
    const auto used = c.parser->put(net::buffer(raw), error);
    if (error == http::error::need_more && has_bare_line_feed(raw))
        error = http::error::bad_line_ending;
    if (error == http::error::need_more)
        return false;
    if (error)
        c.refusal = refusal_of(error);
    else if (used > longest_header_bytes)
        c.refusal = header_too_large();
    else
        c.refusal = refusal_of(c.parser->get(), c.by.listener, c.shared->rules);
    c.buffer.consume(used);
    return true;
}

/// Looks at what has been read, if it may have become a header: true when it has, or is refused.
bool parse_more(connection& c)
{
    const auto bytes = c.buffer.cdata();
    const std::string_view raw(static_cast<const char*>(bytes.data()), bytes.size());
    if (raw.empty())
        return false;
    const bool has_new_line = raw.find('\n', c.looked_at) != std::string_view::npos;
    if ((c.looked_at == 0 || has_new_line) && parse_now(c, raw))
        return true;
    c.looked_at = raw.size();
    if (raw.size() > longest_header_bytes)
        c.refusal = header_too_large();
    return c.refusal.has_value();
}

} // namespace

net::awaitable<bool> read_header(connection& c, std::chrono::milliseconds patience)
{
    c.looked_at = 0;
    c.refusal.reset();
    bool begun = false;
    for (bool whole = parse_more(c); !whole; whole = parse_more(c)) {
        if (!begun) // else it goes on from the first byte
            c.due_in(c.buffer.size() > 0 ? c.allowed().header : patience);
        begun = c.buffer.size() > 0;
        const auto space =
            c.buffer.prepare(std::min(read_step_bytes, c.buffer.max_size() - c.buffer.size()));
        auto [error, bytes] = co_await c.socket.async_read_some(space, use_tuple);
        if (error)
            co_return false;
        c.buffer.commit(bytes);
    }
    c.no_deadline();
    co_return true;
}

net::awaitable<bool> read_body(connection& c, std::size_t size)
{
    std::size_t got = std::min(size, c.buffer.size());
    const auto* begin = static_cast<const char*>(c.buffer.cdata().data());
    c.request.body.assign(begin, got);
    c.request.body.resize(size);
    c.buffer.consume(got);
    c.due_in(c.allowed().body);
    const bool is_asked_for = c.parser->get().version() == 11 && // RFC 9110 10.1.1: not in HTTP/1.0
                              c.parser->get().count(http::field::expect) > 0;
    if (got < size && is_asked_for) {
        const net::const_buffer asked = net::buffer(interim);
        const bool sent = co_await write_all(c, asked, net::const_buffer());
        if (!sent)
            co_return false;
        c.due_in(c.allowed().body);
    }
    while (got < size) {
        const auto space = net::buffer(c.request.body.data() + got, size - got);
        auto [error, bytes] = co_await c.socket.async_read_some(space, use_tuple);
        if (error)
            co_return false;
        got += bytes;
    }
    c.no_deadline();
    co_return true;
}

} // namespace finwait::web
