// Opens, accepts, tells of stalls. How connections are let go is in letting_go.cpp.
#include "probe/kernel/socket_address.hpp"
#include "probe/origin/connection_parts.hpp"
#include "probe/origin/stalling_server.hpp"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace finwait::origin {

namespace {

using connection_parts::token;

bool is_unseen(kill_point at)
{
    return at <= kill_point::connect;
}

/// Errors of accept4(2) that are the affair of one connection.
bool concerns_one_connection(const error_code& error)
{
    return error == net::error::connection_aborted || error == net::error::interrupted ||
           error == boost::system::errc::protocol_error;
}

} // namespace

error_code stalling_server::open()
{
    const auto& how = shared_.how;
    const bool wants_tls =
        how.tls || how.at == kill_point::tls_handshake || how.at == kill_point::tls_shutdown;
    if (wants_tls && (!how.tls || !shared_.tls))
        return net::error::invalid_argument;
    if (!how.tls)
        shared_.tls.reset();
    auto opened = open_listener(how);
    if (!opened)
        return opened.error();
    where_ = opened->where;
    fillers_ = std::move(opened->fillers);
    error_code error;
    acceptor_.assign(protocol(), opened->fd.get(), error);
    if (error)
        return error;
    opened->fd.release();
    if (is_unseen(how.at))
        return {};
    enter();
    net::co_spawn(io_, accept_all(), [this](std::exception_ptr failed) {
        leave();
        if (failed)
            std::rethrow_exception(failed);
    });
    return {};
}

bool stalling_server::is_own(const endpoint& client) const
{
    return std::ranges::any_of(fillers_, [&](const kernel::unique_fd& each) {
        kernel::socket_address name;
        return ::getsockname(each.get(), name.get(), &name.size) == 0 &&
               kernel::to_endpoint(name) == client;
    });
}

// Connections come --------------------------------------------------------------------------------

net::awaitable<void> stalling_server::accept_all()
{
    for (;;) {
        auto [error] = co_await acceptor_.async_wait(net::ip::tcp::acceptor::wait_read, token);
        if (error)
            co_return;
        accept_waiting();
        if (accepting_) {
            waiters_.wake_all();
            co_return;
        }
    }
}

/// Those that have come, up to as many as the other coroutines of the loop can wait for.
void stalling_server::accept_waiting()
{
    for (unsigned i = 0; i < connection_parts::in_a_row && !accepting_; ++i) {
        auto one = accept_one(acceptor_.native_handle(), where_);
        if (one)
            take_in(std::move(*one));
        else if (one.error() == net::error::would_block)
            return;
        else if (!concerns_one_connection(one.error()))
            accepting_ = one.error();
    }
}

void stalling_server::take_in(accepted one)
{
    net::ip::tcp::socket socket(io_);
    error_code error;
    socket.assign(protocol(), one.fd.get(), error);
    if (error) {
        accepting_ = error;
        return;
    }
    one.fd.release();
    const auto index = free_slot();
    by_client_[client_key(one.id.peer)] = index;
    seen_[index] = seen_connection{.id = one.id};
    entries_[index] =
        entry{.link = std::make_unique<connection>(std::move(socket), shared_, *this, index)};
    if (arrived_)
        arrived_();
    if (healthy_) {
        entries_[index].walking = false;
        return spawn_serving(index);
    }
    ++on_their_way_;
    enter();
    auto walk = entries_[index].link->walk();
    net::co_spawn(io_, std::move(walk), [this, index](std::exception_ptr failed, error_code ended) {
        if (!failed)
            on_walked(index, ended);
        leave();
        if (failed)
            std::rethrow_exception(failed);
    });
}

void stalling_server::on_walked(std::size_t index, const error_code& error)
{
    auto& one = entries_[index];
    auto& what = seen_[index];
    one.walking = false;
    if (one.forgotten) {
        if (!what.stalled)
            --on_their_way_;
        return forget(index);
    }
    if (!error) {
        tell_stalled(index);
    } else {
        if (one.link->is_open()) { // else: closed by us
            what.error = error;
            if (const char* fault = one.link->fault())
                what.fault = fault;
        }
        if (!what.stalled) {
            --on_their_way_;
            ended_ = what.error;
            waiters_.wake_for(client_key(what.id.peer));
        }
    }
    const bool goes_on = shared_.how.serves_on || healthy_;
    if (answering_)
        spawn_answer(index);
    else if (!error && shared_.how.at == kill_point::idle && goes_on && one.link->is_open())
        spawn_serving(index);
}

void stalling_server::tell_stalled(std::size_t index)
{
    auto& what = seen_[index];
    if (what.stalled)
        return;
    what.stalled = true;
    --on_their_way_;
    if (ending_)
        return;
    entries_[index].stall = ++stalls_;
    waiters_.wake_for(client_key(what.id.peer));
}

// Stalls are told ---------------------------------------------------------------------------------

std::optional<result<std::size_t>> stalling_server::next_news()
{
    entry* next = nullptr;
    for (auto& one : entries_)
        if (one.stall != 0 && !one.told && (next == nullptr || one.stall < next->stall))
            next = &one;
    if (next != nullptr) {
        next->told = true;
        return static_cast<std::size_t>(next - entries_.data());
    }
    if (ending_)
        return error_code(net::error::operation_aborted);
    if (ended_ && on_their_way_ == 0)
        return std::exchange(ended_, {});
    if (given_up_)
        return error_code(net::error::operation_aborted);
    if (accepting_)
        return accepting_;
    return std::nullopt;
}

net::awaitable<result<std::size_t>> stalling_server::stall(std::chrono::steady_clock::duration limit
)
{
    if (is_unseen(shared_.how.at))
        co_return no_index;
    if (auto news = next_news())
        co_return *news;
    const presence here(*this);
    const auto deadline = std::chrono::steady_clock::now() + limit;
    for (;;) {
        const auto why = co_await waiters_.wait_until(deadline);
        if (auto news = next_news())
            co_return *news;
        if (why == wake::expired)
            co_return error_code(net::error::timed_out);
        if (why == wake::cancelled)
            co_return error_code(net::error::operation_aborted);
    }
}

result<std::unique_ptr<server>>
server::start(net::io_context& io, script how, std::shared_ptr<net::ssl::context> tls)
{
    auto made = std::make_unique<stalling_server>(io, how, std::move(tls));
    if (const auto error = made->open(); error)
        return error;
    std::unique_ptr<server> started = std::move(made);
    return started;
}

} // namespace finwait::origin
