#include "web/server.hpp"

#include "web/answer.hpp"
#include "web/connection.hpp"
#include "web/listening.hpp"
#include "web/shared_state.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>
#include <exception>
#include <ostream>

#include <fcntl.h>
#include <unistd.h>

namespace finwait::web {

namespace {

using boost::system::error_code;
using net::ip::tcp;

constexpr auto use_tuple = net::as_tuple(net::use_awaitable);
constexpr auto pause_without_descriptors = std::chrono::milliseconds(100);
constexpr std::size_t most_read_of_refused_bytes = 16384;

/// A listener with its loop. The loop holds it, so it goes when both are done.
struct listener
{
    listening on;
    net::steady_timer pause; ///< while no descriptor is left
    std::shared_ptr<shared_state> shared;
};

/// Tells a client that there are too many, as far as that goes without waiting: an empty socket
/// buffer takes the answer whole, and what has come already is read, lest close(2) sends an RST.
void turn_away(any_socket socket, shared_state& shared)
{
    ++shared.counts.turned_away;
    const auto refused =
        problem_answer({problem_code::busy, "all connections are in use; try again in a second"});
    const auto text = head_of(refused, then::close) + *refused.body;
    error_code ignored;
    (void)socket.write_some(net::buffer(text), ignored); // ignoring: it is turned away anyhow
    socket.shutdown(any_socket::shutdown_send, ignored);
    std::array<char, most_read_of_refused_bytes> unread{};
    (void)socket.read_some(net::buffer(unread), ignored); // ignoring: see above
}

void start_serving(any_socket socket, const listener& from)
{
    const auto kind = from.on.kind;
    auto& shared = *from.shared;
    error_code ignored;
    socket.non_blocking(true, ignored);
    if (fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC) != 0) // Asio sets none (accept(2))
        return;                                                  // it never fails on an open one
    const auto& allowed = shared.options.limits;
    if (shared.open_of(kind) >=
        (kind == listener_kind::tcp ? allowed.tcp_connections : allowed.unix_connections))
        return turn_away(std::move(socket), shared);
    if (kind == listener_kind::tcp) // pipelined answers do not wait for ACKs
        socket.set_option(tcp::no_delay(true), ignored);
    const auto executor = socket.get_executor();
    auto one = make_connection(std::move(socket), kind, from.shared);
    const auto ended = [kept = from.shared](std::exception_ptr problem) {
        if (problem)
            kept->log("a connection ended by an exception");
    };
    net::co_spawn(executor, serve(std::move(one)), ended);
}

/// Accepts until the acceptor is closed. Without a descriptor (EMFILE, ENFILE, ENOBUFS, ENOMEM) the
/// connection stays in the queue and accept(2) would fail again at once: the loop pauses, and says
/// so once per shortage.
net::awaitable<void> accept_all(std::shared_ptr<listener> self)
{
    bool told = false;
    auto& acceptor = self->on.acceptor;
    while (acceptor.is_open()) {
        auto [error, socket] = co_await acceptor.async_accept(use_tuple);
        if (!error && acceptor.is_open()) { // else it came in the turn in which we stopped
            told = false;
            start_serving(std::move(socket), *self);
            continue;
        }
        if (!acceptor.is_open() || error == net::error::connection_aborted)
            continue; // the latter: a client that left while it waited
        if (!told)
            self->shared->log("connections cannot be accepted: " + error.message());
        told = true;
        self->pause.expires_after(pause_without_descriptors);
        auto [cancelled] = co_await self->pause.async_wait(use_tuple);
        (void)cancelled; // ignoring: then the acceptor is closed
    }
}

class running : public server
{
public:
    running(std::shared_ptr<shared_state> shared, std::vector<std::shared_ptr<listener>> on)
        : shared_(std::move(shared)), listeners_(std::move(on))
    {
        for (const auto& each : listeners_) {
            if (!tcp_)
                tcp_ = each->on.tcp;
            if (!unix_path_)
                unix_path_ = each->on.unix_path;
        }
    }
    running(const running&) = delete;
    running& operator=(const running&) = delete;
    ~running() override { running::stop(); }

    std::optional<tcp::endpoint> tcp() const override { return tcp_; }
    std::optional<std::filesystem::path> unix_path() const override { return unix_path_; }
    std::size_t connections() const override { return shared_->open.size(); }

    void stop() override
    {
        for (const auto& each : listeners_) {
            close(each->on);
            each->pause.cancel();
        }
        shared_->stop();
    }

private:
    std::shared_ptr<shared_state> shared_;
    std::vector<std::shared_ptr<listener>> listeners_;
    std::optional<tcp::endpoint> tcp_;
    std::optional<std::filesystem::path> unix_path_;
};

/// Everything that is to be listened on, or the first that cannot be.
class openings
{
public:
    explicit openings(net::io_context& io) : io_(io) {}
    openings(const openings&) = delete;
    openings& operator=(const openings&) = delete;
    /// Closes what nobody took.
    ~openings()
    {
        for (auto& each : open_)
            close(each);
    }

    void open_all(const server_options& how)
    {
        for (const int fd : how.inherited) // all of them: they are ours whatever comes of it
            add(take_over(io_, fd, how.reach));
        if (how.tcp && !failure_)
            add(listen_tcp(io_, *how.tcp, how.reach));
        if (how.unix_path && !failure_)
            add(listen_unix(io_, *how.unix_path));
    }

    const std::optional<listen_failure>& failure() const { return failure_; }
    const std::vector<listening>& open() const { return open_; }
    std::vector<listening> take() { return std::exchange(open_, {}); }

private:
    void add(listening_or_not one)
    {
        if (one)
            open_.push_back(std::move(*one));
        else if (!failure_)
            failure_ = one.error();
    }

    net::io_context& io_;
    std::vector<listening> open_;
    std::optional<listen_failure> failure_;
};

guard_rules rules_of(const std::vector<listening>& open, const server_options& how)
{
    guard_rules rules;
    std::vector<tcp::endpoint> addresses;
    for (const auto& each : open) {
        if (each.tcp)
            addresses.push_back(*each.tcp);
        if (each.unix_path)
            rules.writing_place = "the Unix socket " + each.where;
    }
    rules.hosts = hosts_of(addresses, how.allowed_hosts);
    rules.token = how.token;
    return rules;
}

} // namespace

std::ostream& operator<<(std::ostream& out, const listen_failure& what)
{
    return out << what.where << ": " << what.code.message();
}

boost::system::result<std::unique_ptr<server>, listen_failure>
server::make(net::io_context& io, backend& from, server_options options)
{
    openings doors(io);
    doors.open_all(options);
    if (doors.failure())
        return *doors.failure();
    if (options.token && options.token->size() < shortest_token_bytes)
        return listen_failure{"the token", make_error_code(boost::system::errc::invalid_argument)};
    auto rules = rules_of(doors.open(), options);
    auto shared = std::make_shared<shared_state>(io, from, std::move(options), std::move(rules));
    std::vector<std::shared_ptr<listener>> listeners;
    for (auto& each : doors.take())
        listeners.push_back(std::make_shared<listener>(listener{
            std::move(each), net::steady_timer(io), shared}));
    const auto ended = [shared](std::exception_ptr problem) {
        if (problem)
            shared->log("a listener ended by an exception");
    };
    for (const auto& each : listeners)
        net::co_spawn(io, accept_all(each), ended);
    return std::unique_ptr<server>(
        std::make_unique<running>(std::move(shared), std::move(listeners))
    );
}

} // namespace finwait::web
