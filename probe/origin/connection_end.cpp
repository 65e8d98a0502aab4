// How a connection ends: after its FIN or close_notify, answered, closed, reset; and what it
// notices.
#include "probe/kernel/socket_facts.hpp"
#include "probe/origin/connection_parts.hpp"
#include "probe/origin/tcp_facts.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/error.hpp>

#include <cerrno>

#include <sys/socket.h>

namespace finwait::origin {

using namespace connection_parts;

namespace {

/// Between two looks at whether a response is acknowledged. The longest wait is the peer's delayed
/// ACK, 40 ms; the kernel has no event for it.
constexpr auto acknowledgement_poll = std::chrono::milliseconds(1);

/// What discard_unread() takes at most: 32 MiB.
constexpr int most_discards = 1024;

} // namespace

/// The peer has acknowledged everything, so the FIN follows a response that it has. Whether the
/// client has also read it, only the client's side tells.
net::awaitable<error_code> connection::close_when_acknowledged()
{
    for (;;) {
        const auto left = kernel::unsent_bytes(socket_.native_handle());
        if (!left)
            co_return left.error();
        if (const int news = noticed(); news == server::saw_fin)
            co_return error_code(net::error::eof);
        else if (news != 0)
            co_return error_code(news, boost::system::system_category());
        if (*left == 0)
            break;
        if (!timer_)
            timer_.emplace(socket_.get_executor());
        timer_->expires_after(acknowledgement_poll);
        auto [failed] = co_await timer_->async_wait(token);
        if (failed || !is_open())
            co_return error_code(net::error::operation_aborted);
    }
    close();
    co_return error_code{};
}

net::awaitable<error_code> connection::read_close_notify()
{
    for (;;) {
        const auto into = net::buffer(tls_->buffer);
        auto [error, got] = co_await tls_->stream.async_read_some(into, token);
        if (error == net::error::eof) // close_notify; a bare FIN is stream_truncated
            co_return error_code{};
        if (error)
            co_return error;
        host_.seen(index_).request_bytes += got;
    }
}

net::awaitable<error_code> connection::answer(error_code so_far)
{
    auto error = so_far;
    if (!error)
        error = co_await finish_exchange();
    const bool may_write =
        !error || error == net::error::eof || error == net::ssl::error::stream_truncated;
    if (may_write && handshake_done_)
        (void)co_await send_close_notify(); // ignoring: it is closed either way
    if (is_open()) {
        discard_unread();
        close();
    }
    co_return error;
}

net::awaitable<error_code> connection::finish_exchange()
{
    if (!is_open())
        co_return error_code{};
    if (shared_.tls && !tls_) {
        auto failed = co_await handshake();
        if (failed)
            co_return failed;
    }
    reading_goal all;
    auto failed = co_await read_request(all);
    if (failed)
        co_return failed;
    co_return co_await write_response(shared_.response.size(request_));
}

/// Sends ours and does not wait for the peer's, which may never come: OpenSSL is told that it was
/// received, SSL_set_shutdown(3).
net::awaitable<error_code> connection::send_close_notify()
{
    auto* ssl = tls_->stream.native_handle();
    SSL_set_shutdown(ssl, SSL_get_shutdown(ssl) | SSL_RECEIVED_SHUTDOWN);
    auto [error] = co_await tls_->stream.async_shutdown(token);
    co_return error;
}

/// What the client sent beside its request (its close_notify, say) would make an RST of the close.
void connection::discard_unread()
{
    std::array<char, scratch_bytes> piece;
    for (int i = 0; i < most_discards; ++i)
        if (::recv(socket_.native_handle(), piece.data(), piece.size(), MSG_DONTWAIT) <= 0)
            return;
}

void connection::close()
{
    if (timer_)
        timer_->cancel();
    error_code ignored; // close(2) gives the descriptor back whatever it says
    socket_.close(ignored);
}

void connection::reset()
{
    const linger at_once{1, 0};
    if (is_open()) // ignoring: a socket that cannot linger is closed all the same
        (void
        )::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
}

int connection::noticed()
{
    if (!is_open() || noticed_ > 0)
        return noticed_;
    switch (state_of(socket_.native_handle())) {
    case tcp_state::CLOSE: {
        // Reading SO_ERROR clears it; the socket is dead and nobody else asks, so it is kept here.
        int error = 0;
        socklen_t size = sizeof error;
        (void)::getsockopt(socket_.native_handle(), SOL_SOCKET, SO_ERROR, &error, &size);
        const auto& own = host_.seen(index_).error;
        if (error == 0 && own.category() == boost::system::system_category())
            error = own.value();
        noticed_ = error != 0 ? error : ENOTCONN;
        break;
    }
    case tcp_state::CLOSE_WAIT:
    case tcp_state::CLOSING:
    case tcp_state::LAST_ACK:
    case tcp_state::TIME_WAIT:
        noticed_ = server::saw_fin;
        break;
    default:
        break;
    }
    return noticed_;
}

std::optional<traffic> connection::traffic_now()
{
    return is_open() ? traffic_of(socket_.native_handle()) : std::nullopt;
}

} // namespace finwait::origin
