#include "probe/client/exchange.hpp"

#include "probe/client/address_check.hpp"
#include "probe/client/request.hpp"
#include "probe/client/trust.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>

namespace finwait::client {
namespace {

namespace http = boost::beast::http;
constexpr auto as_result = net::as_tuple(net::use_awaitable);

/// How much is read at a time.
constexpr std::size_t read_bytes = 4096;

/// The host without its port. A name that was resolved is that very name.
std::string server_of(const destination& where)
{
    if (!where.name.empty())
        return where.name;
    const auto colon = where.host.rfind(':');
    const auto bracket = where.host.rfind(']');
    const bool has_port =
        colon != std::string::npos && (bracket == std::string::npos || colon > bracket);
    return has_port ? where.host.substr(0, colon) : where.host;
}

/// Clears a pointer to something of this scope, also when the scope is unwound.
template <class T>
class [[nodiscard]] lent
{
public:
    lent(T*& slot, T& what) : slot_(slot) { slot_ = &what; }
    ~lent() { slot_ = nullptr; }
    lent(const lent&) = delete;
    lent& operator=(const lent&) = delete;

private:
    T*& slot_;
};

} // namespace

exchange::exchange(const net::any_io_executor& executor, plan what, destination where, setup with)
    : executor_(executor), plan_(std::move(what)), where_(std::move(where)), with_(std::move(with)),
      standing_(executor), told_(executor), own_deadline_(executor)
{
}

net::awaitable<void> exchange::go()
{
    // The walk goes on after a cancellation: it has to close.
    co_await net::this_coro::throw_if_cancelled(false);
    stream wire(executor_, with_.timeout);
    const lent<stream> while_open(wire_, wire);
    ended_with_ = co_await walk(wire);
    throw_if_told();
    if (with_.reacts == reaction::when_told && order_ == order::none)
        co_await told_.wait();
    error_code ignored;
    wire.socket().close(ignored); // ignoring: the descriptor is closed whatever close(2) says
}

net::awaitable<error_code> exchange::walk(stream& wire)
{
    if (!where_.name.empty()) {
        if (auto failed = co_await resolve(); failed)
            co_return failed;
    }
    if (auto failed = co_await connect(wire); failed)
        co_return failed;
    if (dies_at(kill_point::connected))
        co_return co_await hold(wire);
    if (plan_.tls) {
        if (auto failed = co_await handshake(wire); failed)
            co_return failed;
    }
    if (auto failed = co_await send_request(wire); failed)
        co_return failed;
    if (auto failed = co_await receive_response(wire); failed)
        co_return failed;
    co_return co_await after_response(wire);
}

net::awaitable<error_code> exchange::resolve()
{
    tcp::resolver resolver(executor_);
    const lent<tcp::resolver> while_pending(lookup_, resolver);
    if (dies_at(kill_point::resolve))
        standing_.set();
    const auto port = std::to_string(where_.address.port());
    auto [failed, found] = co_await resolver.async_resolve(where_.name, port, as_result);
    if (auto told = stop_if_told(); told)
        co_return told; // getaddrinfo(3) cannot be broken off: it may have ended by itself
    if (failed)
        co_return failed;
    const bool v6 = plan_.family == address_family::ipv6;
    for (const auto& one : found) {
        if (one.endpoint().address().is_v6() == v6) {
            where_.address = one.endpoint();
            co_return error_code{};
        }
    }
    co_return net::error::host_not_found;
}

net::awaitable<error_code> exchange::connect(stream& wire)
{
    // Of the very address that is connected to: a name may resolve to another one each time.
    if (auto failed = check_address(where_, where_.address); failed)
        co_return failed;
    if (auto failed = with_.open(wire.socket(), where_.address); failed)
        co_return failed;
    if (dies_at(kill_point::connect))
        start_pending(wire);
    auto [failed] = co_await wire.async_connect(where_.address, as_result);
    throw_if_told();
    co_return failed;
}

net::awaitable<error_code> exchange::handshake(stream& wire)
{
    wire.add_tls(*with_.tls);
    if (const auto failed = expect_peer(wire.tls_session(), server_of(where_)); failed)
        co_return failed;
    if (dies_at(kill_point::tls_handshake))
        start_pending(wire);
    auto [failed] = co_await wire.async_handshake(as_result);
    throw_if_told();
    co_return why_handshake_failed(failed, wire.tls_session());
}

net::awaitable<error_code> exchange::send_request(stream& wire)
{
    const std::string head = make_head(plan_, where_.host, where_.path);
    if (dies_at(kill_point::request_headers)) {
        const net::const_buffer half(head.data(), half_head_bytes(plan_));
        if (auto failed = co_await write(wire, half); failed)
            co_return failed;
        co_return co_await hold(wire);
    }
    if (auto failed = co_await write(wire, net::buffer(head)); failed)
        co_return failed;
    if (dies_at(kill_point::expect_continue))
        co_return co_await await_continue(wire);
    if (dies_at(kill_point::request_body) && plan_.blocked) {
        start_pending(wire);
        co_return co_await send_body(wire, plan_.request.bytes);
    }
    if (dies_at(kill_point::request_body)) {
        const auto part = bytes_until_kill(plan_.request, plan_.position);
        if (auto failed = co_await send_body(wire, part); failed)
            co_return failed;
        co_return co_await hold(wire);
    }
    if (plan_.request.how == framing::none)
        co_return error_code{};
    co_return co_await send_body(wire, plan_.request.bytes);
}

net::awaitable<error_code> exchange::send_body(stream& wire, std::uint64_t count)
{
    body_source source(plan_.request, count);
    for (std::string_view piece = source.next(); !piece.empty(); piece = source.next()) {
        if (auto failed = co_await write(wire, net::buffer(piece)); failed)
            co_return failed;
    }
    co_return error_code{};
}

net::awaitable<error_code> exchange::await_continue(stream& wire)
{
    http::response_parser<http::empty_body> interim;
    start_pending(wire);
    const auto enough = [&] {
        return interim.is_header_done();
    };
    co_return co_await receive(wire, interim, enough);
}

net::awaitable<error_code> exchange::receive_response(stream& wire)
{
    const bool in_response =
        dies_at(kill_point::response_headers) || dies_at(kill_point::response_body);
    if (plan_.unread && in_response && where_.stalls)
        co_return co_await hold(wire);
    if (!where_.stalls && (in_response || dies_at(kill_point::await_response)))
        co_return co_await receive_part(wire);
    http::response_parser<http::string_body> response;
    response.body_limit(boost::none);
    response.skip(plan_.method == "HEAD");
    if (in_response || dies_at(kill_point::await_response))
        start_pending(wire);
    const auto whole = [&] {
        return response.is_done();
    };
    co_return co_await receive(wire, response, whole);
}

net::awaitable<error_code> exchange::receive_part(stream& wire)
{
    // A server that is not ours does not stall: the client stops by itself, after the request or
    // after that part of the body which the plan names.
    if (!dies_at(kill_point::response_body))
        co_return co_await hold(wire);
    http::response_parser<http::string_body> response;
    response.body_limit(boost::none);
    const auto head = [&] {
        return response.is_header_done();
    };
    auto failed = co_await receive(wire, response, head);
    if (failed)
        co_return failed;
    const auto length = response.content_length();
    const body whole{framing::length, length ? *length : plan_.response.bytes};
    const auto wanted = plan_.unread ? 0 : bytes_until_kill(whole, plan_.position);
    const auto part = [&] {
        return response.is_done() || response.get().body().size() >= wanted;
    };
    failed = co_await receive(wire, response, part);
    if (failed)
        co_return failed;
    const auto have = response.get().body().size() + received_.size();
    const bool has_all = length && have >= *length;
    if (response.is_done() || has_all) // it is idle by now, and not in the body
        co_return boost::system::errc::make_error_code(boost::system::errc::no_message);
    co_return co_await hold(wire);
}

/// Gives the parser what has been received, as far as it takes it; need_more when it wants more.
error_code exchange::parse(http::basic_parser<false>& parser)
{
    error_code failed;
    received_.consume(parser.put(received_.data(), failed));
    return failed;
}

/// Reads until there is enough, one operation per read: Beast's http::async_read looks for no
/// cancellation between two of its reads, and its http::async_read_some costs three allocations
/// more.
template <class Parser, class Enough>
net::awaitable<error_code> exchange::receive(stream& wire, Parser& parser, Enough enough)
{
    while (!enough()) {
        error_code failed = received_.size() == 0 ? http::error::need_more : parse(parser);
        if (failed && failed != http::error::need_more)
            co_return failed;
        if (!failed)
            continue;
        const auto room = received_.max_size() - received_.size();
        const auto space = received_.prepare(std::min(read_bytes, room));
        if (room == 0)
            co_return http::error::buffer_overflow;
        auto [broken, count] = co_await wire.async_read_some(space, as_result);
        if (auto told = stop_if_told(); told)
            co_return told;
        received_.commit(count);
        if (!broken)
            continue;
        if (broken != net::error::eof || !parser.got_some())
            co_return broken;
        failed = {};
        parser.put_eof(failed);
        if (failed)
            co_return failed;
    }
    co_return error_code{};
}

net::awaitable<error_code> exchange::after_response(stream& wire)
{
    if (!dies_at(kill_point::tls_shutdown))
        co_return co_await hold(wire);
    start_pending(wire);
    auto [failed] = co_await wire.async_shutdown(as_result);
    throw_if_told();
    co_return failed;
}

net::awaitable<error_code> exchange::hold(stream& wire)
{
    standing_.set();
    co_await told_.wait();
    throw_if_told();
    if (order_ == order::expire) {
        auto [expired, count] = co_await wire.async_expire(as_result);
        (void)count;
        co_return expired;
    }
    if (order_ == order::look && !plan_.unread)
        co_return co_await read_to_the_end(wire);
    co_return net::error::operation_aborted;
}

net::awaitable<error_code> exchange::read_to_the_end(stream& wire)
{
    std::array<char, 4096> bytes{};
    for (;;) {
        auto [failed, count] = co_await wire.async_read_some(net::buffer(bytes), as_result);
        (void)count;
        if (failed)
            co_return failed;
    }
}

net::awaitable<error_code> exchange::write(stream& wire, net::const_buffer what)
{
    while (what.size() > 0) {
        auto [failed, count] = co_await wire.async_write_some(what, as_result);
        what += count;
        auto told = stop_if_told();
        if (failed || told)
            co_return failed ? failed : told;
    }
    co_return error_code{};
}

void exchange::start_pending(stream& wire)
{
    if (with_.timeout == expiry::library)
        wire.expires_after(with_.limit);
    standing_.set();
}

void exchange::obey(order what)
{
    order_ = what;
    told_.set();
}

void exchange::let_go_with_deadline(std::chrono::steady_clock::duration own_deadline)
{
    own_deadline_.expires_after(own_deadline);
    own_deadline_.async_wait([this](error_code cancelled) {
        if (cancelled)
            return;
        obey(order::give_up);
        if (tcp::socket* const open = socket()) {
            error_code ignored;
            open->close(ignored); // ignoring: the descriptor is closed whatever close(2) says
        }
    });
}

void exchange::throw_if_told() const
{
    if (order_ == order::throw_)
        throw interrupted();
}

error_code exchange::stop_if_told() const
{
    throw_if_told();
    return order_ == order::give_up ? error_code(net::error::operation_aborted) : error_code();
}

void exchange::cancel_lookup()
{
    if (lookup_ != nullptr)
        lookup_->cancel();
}

} // namespace finwait::client
