#include "web/server.hpp"

#include "web/answer.hpp"
#include "web/connection.hpp"
#include "web/guard.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>
#include <cerrno>
#include <exception>

#include <fcntl.h>

namespace finwait::web {

namespace {

using boost::system::error_code;
using net::ip::tcp;

constexpr auto use_tuple = net::as_tuple(net::use_awaitable);
constexpr auto pause_without_descriptors = std::chrono::milliseconds(100);
constexpr std::size_t most_read_of_refused_bytes = 16384;

/// Asio sets none: a child started meanwhile would inherit the socket.
error_code close_on_exec(int fd)
{
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0)
        return {};
    return {errno, boost::system::system_category()};
}

/// A listener with its loop. The loop holds it, so it goes when both are done.
struct listener
{
    tcp::acceptor acceptor;
    net::steady_timer pause; ///< while no descriptor is left
    std::shared_ptr<shared_state> shared;
};

void log(const shared_state& shared, const std::string& line)
{
    if (shared.options.log)
        shared.options.log(line);
}

/// Tells a client that there are too many, as far as that goes without waiting: an empty socket
/// buffer takes the answer whole, and what has come already is read, lest close(2) sends an RST.
void turn_away(tcp::socket socket)
{
    const auto refused =
        problem_answer({problem_code::busy, "all connections are in use; try again in a second"});
    const auto text = head_of(refused, then::close) + *refused.body;
    error_code ignored;
    socket.non_blocking(true, ignored);
    (void)socket.write_some(net::buffer(text), ignored); // ignoring: it is turned away anyhow
    socket.shutdown(tcp::socket::shutdown_send, ignored);
    std::array<char, most_read_of_refused_bytes> unread{};
    (void)socket.read_some(net::buffer(unread), ignored); // ignoring: see above
}

void start_serving(tcp::socket socket, const std::shared_ptr<shared_state>& shared)
{
    if (close_on_exec(socket.native_handle())) // it never fails on an open descriptor
        return;
    if (shared->open.size() >= shared->options.limits.connections)
        return turn_away(std::move(socket));
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored); // pipelined answers do not wait for ACKs
    const auto executor = socket.get_executor();
    auto one = make_connection(std::move(socket), shared);
    const auto ended = [shared](std::exception_ptr problem) {
        if (problem)
            log(*shared, "a connection ended by an exception");
    };
    net::co_spawn(executor, serve(std::move(one)), ended);
}

/// Accepts until the acceptor is closed. Without a descriptor (EMFILE, ENFILE, ENOBUFS, ENOMEM) the
/// connection stays in the queue and accept(2) would fail again at once: the loop pauses, and says
/// so once per shortage.
net::awaitable<void> accept_all(std::shared_ptr<listener> self)
{
    bool told = false;
    while (self->acceptor.is_open()) {
        auto [error, socket] = co_await self->acceptor.async_accept(use_tuple);
        if (!error && self->acceptor.is_open()) { // else it came in the turn in which we stopped
            told = false;
            start_serving(std::move(socket), self->shared);
            continue;
        }
        if (!self->acceptor.is_open() || error == net::error::connection_aborted)
            continue; // the latter: a client that left while it waited
        if (!told)
            log(*self->shared, "connections cannot be accepted: " + error.message());
        told = true;
        self->pause.expires_after(pause_without_descriptors);
        auto [cancelled] = co_await self->pause.async_wait(use_tuple);
        (void)cancelled; // ignoring: then the acceptor is closed
    }
}

class tcp_server : public server
{
public:
    explicit tcp_server(std::shared_ptr<listener> on) : listener_(std::move(on)) {}
    tcp_server(const tcp_server&) = delete;
    tcp_server& operator=(const tcp_server&) = delete;
    ~tcp_server() override { tcp_server::stop(); }

    tcp::endpoint local() const override { return local_; }
    std::size_t connections() const override { return listener_->shared->open.size(); }

    void stop() override
    {
        error_code ignored;
        listener_->acceptor.close(ignored);
        listener_->pause.cancel();
        for (auto* each : listener_->shared->open)
            close_now(*each);
    }

    void remember_where() { local_ = listener_->acceptor.local_endpoint(); }

private:
    std::shared_ptr<listener> listener_;
    tcp::endpoint local_;
};

/// Opens, binds and listens; the first error.
error_code open(tcp::acceptor& acceptor, const tcp::endpoint& where)
{
    error_code error;
    acceptor.open(where.protocol(), error);
    if (!error)
        error = close_on_exec(acceptor.native_handle());
    if (!error) // connections of an earlier daemon in TIME_WAIT are no reason to refuse
        acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error)
        acceptor.bind(where, error);
    if (!error)
        acceptor.listen(tcp::acceptor::max_listen_connections, error);
    return error;
}

} // namespace

boost::system::result<std::unique_ptr<server>>
server::make(net::io_context& io, const backend& from, server_options options)
{
    const auto where = options.where;
    if (options.reach == reach::loopback && !where.address().is_loopback())
        return make_error_code(boost::system::errc::operation_not_permitted);
    tcp::acceptor acceptor(io);
    if (const auto error = open(acceptor, where); error)
        return error;
    auto hosts = hosts_of(acceptor.local_endpoint());
    auto shared =
        std::make_shared<shared_state>(shared_state{from, std::move(options), std::move(hosts)});
    auto on = std::make_shared<listener>(listener{
        std::move(acceptor), net::steady_timer(io), std::move(shared)});
    auto made = std::make_unique<tcp_server>(on);
    made->remember_where();
    const auto ended = [kept = on->shared](std::exception_ptr problem) {
        if (problem)
            log(*kept, "the listener ended by an exception");
    };
    net::co_spawn(io, accept_all(std::move(on)), ended);
    return std::unique_ptr<server>(std::move(made));
}

} // namespace finwait::web
