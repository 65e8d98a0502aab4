#include "web/connection.hpp"

#include "web/answer.hpp"
#include "web/guard.hpp"
#include "web/routes.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>

#include <algorithm>
#include <array>
#include <optional>

namespace finwait::web {

namespace http = boost::beast::http;
using boost::system::error_code;

/// The parser and the buffer are kept here, so that no coroutine frame refers to another's.
class connection
{
public:
    connection(net::ip::tcp::socket socket, std::shared_ptr<shared_state> with)
        : shared(std::move(with)), stream(std::move(socket))
    {
        shared->open.insert(this);
    }
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    ~connection() { shared->open.erase(this); }

    const limits& allowed() const { return shared->options.limits; }

    std::shared_ptr<shared_state> shared;
    boost::beast::tcp_stream stream;
    boost::beast::flat_buffer buffer{2 * longest_header_bytes};
    std::optional<http::request_parser<http::empty_body>> parser;
    std::size_t looked_at = 0;      ///< bytes of the buffer that are known to be no whole header
    std::optional<problem> refusal; ///< of the request that was read
};

namespace {

constexpr auto use_tuple = net::as_tuple(net::use_awaitable);
constexpr std::size_t read_step_bytes = 4096;
constexpr std::size_t most_ignored_bytes = 4 * longest_body_bytes;

/// What reading a header came to.
enum class heard {
    nothing, ///< the client is gone or was too slow
    request, ///< `parser` or `refusal` has it
};

void begin_request(connection& c)
{
    c.looked_at = 0;
    c.refusal.reset();
}

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
        c.refusal = refusal_of(c.parser->get(), c.shared->hosts);
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

/// Reads one header and not a byte more than it has to. `patience` is for its first byte.
net::awaitable<heard> read_header(connection& c, std::chrono::milliseconds patience)
{
    begin_request(c);
    bool begun = c.buffer.size() > 0;
    c.stream.expires_after(begun ? c.allowed().header : patience);
    while (!parse_more(c)) {
        const auto space =
            c.buffer.prepare(std::min(read_step_bytes, c.buffer.max_size() - c.buffer.size()));
        auto [error, bytes] = co_await c.stream.async_read_some(space, use_tuple);
        if (error)
            co_return heard::nothing;
        c.buffer.commit(bytes);
        if (!begun)
            c.stream.expires_after(c.allowed().header);
        begun = true;
    }
    co_return heard::request;
}

/// The answer to a request that the guard let through. Does not throw for what a handler does.
answer answer_to(const connection& c, const request_head& head)
{
    try {
        auto where = parse_target(head.target());
        if (head.method() == http::verb::options)
            return options_of(where.value());
        const auto match = head[http::field::if_none_match];
        return respond({std::move(where.value()), std::string(match)}, c.shared->from);
    } catch (const std::exception& error) {
        if (c.shared->options.log)
            c.shared->options.log(std::string("a request could not be answered: ") + error.what());
        return problem_answer({problem_code::internal, "the reason is in the log"});
    }
}

/// Sends an answer. False when the client is gone or reads too slowly.
net::awaitable<bool> write_answer(connection& c, answer what, then next)
{
    const auto head = head_of(what, next);
    const bool with_body = what.body && c.parser->get().method() != http::verb::head;
    const std::array<net::const_buffer, 2> bytes{
        net::buffer(head), with_body ? net::buffer(*what.body) : net::const_buffer()};
    c.stream.expires_after(c.allowed().write);
    auto [error, written] = co_await net::async_write(c.stream, bytes, use_tuple);
    (void)written; // ignoring: all or an error
    co_return !error;
}

/// Closes so that the client gets the answer: with its bytes unread, close(2) would send an RST,
/// which throws away what it has not read yet (RFC 9112 9.6).
net::awaitable<void> close_gently(connection& c)
{
    error_code ignored;
    c.stream.socket().shutdown(net::ip::tcp::socket::shutdown_send, ignored);
    c.stream.expires_after(c.allowed().refused);
    for (std::size_t seen = c.buffer.size(); seen < most_ignored_bytes;) {
        c.buffer.clear();
        const auto space = c.buffer.prepare(read_step_bytes);
        auto [error, bytes] = co_await c.stream.async_read_some(space, use_tuple);
        if (error)
            break;
        seen += bytes;
    }
    c.stream.close();
}

} // namespace

std::shared_ptr<connection>
make_connection(net::ip::tcp::socket socket, std::shared_ptr<shared_state> shared)
{
    return std::make_shared<connection>(std::move(socket), std::move(shared));
}

net::awaitable<void> serve(std::shared_ptr<connection> self)
{
    connection& c = *self;
    for (auto patience = c.allowed().header;; patience = c.allowed().idle) {
        const auto what = co_await read_header(c, patience);
        if (what == heard::nothing)
            co_return;
        const request_head& head = c.parser->get();
        auto reply = c.refusal ? problem_answer(*c.refusal) : answer_to(c, head);
        // HTTP/1.0 always closes: it has no way to say that it knows about keep-alive proxies.
        const bool goes_on = !c.refusal && head.version() == 11 && c.parser->keep_alive();
        const auto next = goes_on ? then::keep_alive : then::close;
        const bool written = co_await write_answer(c, std::move(reply), next);
        if (!written)
            co_return;
        if (!goes_on)
            break;
    }
    co_await close_gently(c);
}

void close_now(connection& which)
{
    which.stream.close();
}

} // namespace finwait::web
