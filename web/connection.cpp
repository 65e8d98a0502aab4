#include "web/connection.hpp"

#include "web/answer.hpp"
#include "web/connection_state.hpp"
#include "web/event_stream.hpp"
#include "web/guard.hpp"
#include "web/reading.hpp"
#include "web/routes.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include <sys/socket.h>

namespace finwait::web {

namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr std::size_t read_step_bytes = 4096;
constexpr std::size_t most_ignored_bytes = 4 * longest_body_bytes;

/// How an exchange leaves the connection.
enum class left {
    open,  ///< for the next request
    ended, ///< nothing more will be answered
    gone,  ///< closed already, or the client is gone
};

} // namespace

connection::connection(any_socket from, listener_kind kind, std::shared_ptr<shared_state> with)
    : shared(std::move(with)), socket(std::move(from)), wake(socket.get_executor()),
      buffer(2 * longest_header_bytes)
{
    by.listener = kind;
    shared->open.insert(this);
    ++shared->open_of(kind);
    if (ucred who{}; kind == listener_kind::unix_) {
        socklen_t size = sizeof who;
        if (getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &who, &size) == 0) {
            by.uid = who.uid;
            by.gid = who.gid;
            by.pid = who.pid;
        }
    }
}

connection::~connection()
{
    --shared->open_of(by.listener);
    shared->open.erase(this);
}

namespace {

method method_of(http::verb how)
{
    switch (how) {
    case http::verb::get:
    case http::verb::head:
        return method::get;
    case http::verb::post:
        return method::post;
    case http::verb::delete_:
        return method::delete_;
    case http::verb::options:
        return method::options;
    default:
        return method::other;
    }
}

/// The request as handlers see it, of a header that the guard let through.
request request_of(const connection& c)
{
    const request_head& head = c.parser->get();
    request out{.method = method_of(head.method()), .where = {}, .by = c.by};
    out.where = parse_target(head.target()).value();
    out.if_none_match = head[http::field::if_none_match];
    out.accept = head[http::field::accept];
    out.prefer = head["Prefer"];
    out.last_event_id = head["Last-Event-ID"];
    return out;
}

answer failed(const connection& c, const std::exception& error)
{
    c.shared->log(std::string("a request could not be answered: ") + error.what());
    return problem_answer(
        {problem_code::internal, "the reason is in the log"}, c.request.where.path
    );
}

surroundings surroundings_of(const connection& c)
{
    shared_state& shared = *c.shared;
    return {shared.from, shared.status, shared.counts, c.allowed().wait};
}

/// Does not throw for what a handler does.
reaction react(const connection& c, const operation& what)
{
    try {
        return what.run(c.request, surroundings_of(c));
    } catch (const std::exception& error) {
        return failed(c, error);
    }
}

std::optional<answer> ask(const connection& c, const delayed& what, occasion why)
{
    try {
        return what.ask(why);
    } catch (const std::exception& error) {
        return failed(c, error);
    }
}

bool is_head(const connection& c)
{
    return c.parser->get().method() == http::verb::head;
}

/// Whether the client still has its side open. What it has sent already stays where it is.
bool is_there(connection& c)
{
    char byte = 0;
    const auto got = recv(c.socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK));
}

/// Wakes the connection when something comes, which may be the client's end.
void wake_at_input(const std::shared_ptr<connection>& c)
{
    c->socket.async_wait(any_socket::wait_read, [c](const error_code& cancelled) {
        if (!cancelled)
            c->wake.cancel();
    });
}

/// Asks at each change until there is an answer, the time is over or the client is gone; a client
/// that only closed its side gets the answer of that moment.
net::awaitable<answer> answer_later(connection& c, delayed what)
{
    const auto end = connection::clock::now() + what.at_most;
    const event_log::listener told = [&c](const event*) {
        c.wake.cancel();
    };
    const auto subscription = c.shared->from.events().listen(told);
    auto reply = ask(c, what, occasion::change);
    if (!reply)
        wake_at_input(c.shared_from_this());
    while (!reply) {
        c.wake.expires_at(end);
        auto [cancelled] = co_await c.wake.async_wait(use_tuple);
        (void)cancelled; // ignoring: the clock and the socket tell more
        const bool over = !c.socket.is_open() || connection::clock::now() >= end || !is_there(c);
        reply = ask(c, what, over ? occasion::end : occasion::change);
    }
    error_code ignored;
    c.socket.cancel(ignored);
    co_return std::move(*reply);
}

/// Who may write is known by the listener; who did is for the log.
void log_write(const connection& c, const answer& reply)
{
    if (c.request.method != method::post && c.request.method != method::delete_)
        return;
    const auto who = c.by.listener == listener_kind::tcp
                         ? std::string("the token over TCP")
                         : fmt::format("uid {} gid {} pid {}", c.by.uid, c.by.gid, c.by.pid);
    std::string place;
    for (const auto& [name, value] : reply.fields)
        if (name == "Location")
            place = ", " + value;
    c.shared->log(fmt::format(
        "{} {} by {}: {}{}",
        c.request.method == method::post ? "POST" : "DELETE",
        c.request.where.path,
        who,
        reply.status,
        place
    ));
}

/// Sends an answer and counts it. False when the client is gone or reads too slowly.
net::awaitable<bool> write_answer(connection& c, answer what, then next)
{
    ++c.shared->counts.requests[{c.route, what.status}];
    const auto head = head_of(what, next);
    const bool with_body = what.body && !what.content_type.empty() && !is_head(c);
    net::const_buffer body;
    if (with_body)
        body = net::buffer(*what.body);
    const net::const_buffer first = net::buffer(head);
    co_return co_await write_all(c, first, body);
}

answer no_stream_left(const connection& c)
{
    return problem_answer(
        {problem_code::busy, "all streams of events are in use; try again in a second"},
        c.request.where.path
    );
}

/// HEAD: what a stream would begin with.
answer stream_without_events()
{
    answer out;
    out.fields.emplace_back("Content-Type", "text/event-stream");
    return out;
}

/// The connection becomes a stream of events, and ends with it.
net::awaitable<left> stream(connection& c, event_stream what)
{
    struct counted
    {
        explicit counted(std::uint64_t& count) : streams(count) { ++streams; }
        counted(const counted&) = delete;
        counted& operator=(const counted&) = delete;
        ~counted() { --streams; }
        std::uint64_t& streams;
    };
    const counted one(c.shared->streams_of(c.by.listener));
    ++c.shared->counts.requests[{c.route, 200}];
    co_await send_events(c, std::move(what));
    co_return left::gone;
}

/// What comes of a request that a handler takes. nullopt: the connection has become a stream, and
/// that has ended.
net::awaitable<std::optional<answer>> run(connection& c, const operation* what)
{
    auto came = react(c, *what);
    if (auto* later = std::get_if<delayed>(&came); later) {
        delayed waiting = std::move(*later);
        answer reply = co_await answer_later(c, std::move(waiting));
        co_return std::optional<answer>(std::move(reply));
    }
    if (auto* events = std::get_if<event_stream>(&came); events) {
        if (is_head(c))
            co_return std::optional<answer>(stream_without_events());
        // Apart, as connections are: readers over TCP take no stream from an operator.
        if (c.shared->streams_of(c.by.listener) >= c.allowed().streams)
            co_return std::optional<answer>(no_stream_left(c));
        event_stream wanted = std::move(*events);
        const auto ended = co_await stream(c, std::move(wanted));
        (void)ended; // ignoring: a stream ends in one way only
        co_return std::nullopt;
    }
    co_return std::optional<answer>(std::move(std::get<answer>(came)));
}

/// What comes of a request that the guard let through; nullopt: the connection is gone. `unread`
/// becomes true when its body has not been read, and then nothing can follow.
net::awaitable<std::optional<answer>> take(connection& c, bool& unread)
{
    c.request = request_of(c);
    const auto body_bytes = body_bytes_of(c.parser->get());
    auto chosen = choose(c.request, c.shared->rules);
    if (auto* refused = std::get_if<answer>(&chosen); refused) {
        unread = body_bytes > 0;
        co_return std::optional<answer>(std::move(*refused));
    }
    const operation* what = std::get<const operation*>(chosen);
    c.route = what->pattern;
    if (body_bytes > 0) {
        const bool whole = co_await read_body(c, body_bytes);
        if (!whole)
            co_return std::nullopt;
    }
    co_return co_await run(c, what);
}

/// Answers the request that the guard has looked at.
net::awaitable<left> exchange(connection& c)
{
    const request_head& head = c.parser->get();
    // HTTP/1.0 always closes: it has no way to say that it knows about keep-alive proxies.
    const bool may_go_on = !c.refusal && head.version() == 11 && c.parser->keep_alive();
    bool unread = false;
    std::optional<answer> reply;
    c.route = "none";
    if (c.refusal) {
        ++c.shared->counts.rejected[static_cast<std::size_t>(c.refusal->code)];
        reply = problem_answer(*c.refusal);
    } else {
        reply = co_await take(c, unread);
        if (!reply)
            co_return left::gone;
        log_write(c, *reply);
    }
    const bool goes_on = may_go_on && !unread;
    const auto next = goes_on ? then::keep_alive : then::close;
    const bool written = co_await write_answer(c, std::move(*reply), next);
    if (!written)
        co_return left::gone;
    co_return goes_on ? left::open : left::ended;
}

/// Closes so that the client gets the answer: with its bytes unread, close(2) would send an RST,
/// which throws away what it has not read yet (RFC 9112 9.6).
net::awaitable<void> close_gently(connection& c)
{
    error_code ignored;
    c.socket.shutdown(any_socket::shutdown_send, ignored);
    c.due_in(c.allowed().refused);
    for (std::size_t seen = c.buffer.size(); seen < most_ignored_bytes;) {
        c.buffer.clear();
        const auto space = c.buffer.prepare(read_step_bytes);
        auto [error, bytes] = co_await c.socket.async_read_some(space, use_tuple);
        if (error)
            break;
        seen += bytes;
    }
    c.socket.close(ignored);
}

} // namespace

net::awaitable<bool> write_all(connection& c, net::const_buffer first, net::const_buffer second)
{
    // Nearly always the socket's buffer takes everything at once: then there is nothing to wait for
    // and no deadline to set.
    std::array<net::const_buffer, 2> bytes{first, second};
    error_code error;
    std::size_t sent = c.socket.write_some(bytes, error);
    if (error && error != net::error::would_block)
        co_return false;
    if (sent == net::buffer_size(bytes))
        co_return true;
    for (auto& each : bytes) {
        const auto gone = std::min(sent, each.size());
        each += gone;
        sent -= gone;
    }
    c.due_in(c.allowed().write);
    auto [failure, rest] = co_await net::async_write(c.socket, bytes, use_tuple);
    (void)rest; // ignoring: all or an error
    c.no_deadline();
    co_return !failure;
}

std::shared_ptr<connection>
make_connection(any_socket socket, listener_kind kind, std::shared_ptr<shared_state> shared)
{
    return std::make_shared<connection>(std::move(socket), kind, std::move(shared));
}

net::awaitable<void> serve(std::shared_ptr<connection> self)
{
    connection& c = *self;
    auto patience = c.allowed().header;
    auto next = left::open;
    while (next == left::open) {
        const bool heard = co_await read_header(c, patience);
        if (!heard)
            co_return;
        next = co_await exchange(c);
        patience = c.allowed().idle;
    }
    if (next == left::ended)
        co_await close_gently(c);
}

void close_now(connection& which)
{
    error_code ignored;
    which.no_deadline();
    which.socket.close(ignored);
    which.wake.cancel();
}

std::chrono::steady_clock::time_point deadline_of(const connection& which)
{
    return which.deadline;
}

} // namespace finwait::web
