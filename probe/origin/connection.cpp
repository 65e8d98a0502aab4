// The walk to the stall, and all reading.
#include "probe/origin/connection.hpp"

#include "probe/kernel/system_error.hpp"
#include "probe/origin/client_hello.hpp"
#include "probe/origin/connection_parts.hpp"

#include <algorithm>
#include <cerrno>

#include <sys/socket.h>

namespace finwait::origin {

using namespace connection_parts;

namespace {

error_code bad_message()
{
    return boost::system::errc::make_error_code(boost::system::errc::bad_message);
}

/// What is there, into `piece`; eof at the end of the stream.
boost::system::result<std::string_view>
receive_into(int fd, std::array<char, scratch_bytes>& piece, std::size_t most)
{
    const auto got = ::recv(fd, piece.data(), std::min(most, piece.size()), MSG_DONTWAIT);
    if (got > 0)
        return std::string_view(piece.data(), static_cast<std::size_t>(got));
    if (got == 0)
        return error_code(net::error::eof);
    return errno == EAGAIN || errno == EINTR ? would_block() : kernel::last_error();
}

} // namespace

connection::connection(
    net::ip::tcp::socket socket, const setting& shared, connection_host& host, std::size_t index
)
    : socket_(std::move(socket)), shared_(shared), host_(host), index_(index)
{
}

connection::~connection()
{
    if (watched_)
        *watched_ = nullptr;
}

// The walk ----------------------------------------------------------------------------------------

net::awaitable<error_code> connection::walk()
{
    const auto at = shared_.how.at;
    if (at <= kill_point::connected)
        co_return error_code{};
    if (at == kill_point::tls_handshake)
        co_return co_await read_hello();
    if (shared_.tls) {
        auto failed = co_await handshake();
        if (failed)
            co_return failed;
    }
    auto failed = co_await read_request(shared_.goal);
    if (failed || at <= kill_point::await_response)
        co_return failed;
    const auto end = shared_.response.stop_at(at, shared_.how.position, request_);
    failed = co_await write_response(end);
    if (!failed && at >= kill_point::idle)
        host_.on_answered(index_);
    if (failed || at <= kill_point::idle)
        co_return failed;
    if (at == kill_point::idle_peer_closed)
        co_return co_await close_when_acknowledged();
    co_return co_await read_close_notify();
}

net::awaitable<error_code> connection::serve()
{
    if (shared_.tls && !tls_) {
        auto failed = co_await handshake();
        if (failed)
            co_return failed;
    }
    for (;;) {
        request_ = {};
        response_offset_ = 0;
        continue_sent_ = false;
        reading_goal all;
        auto failed = co_await read_request(all);
        if (!failed)
            failed = co_await write_response(shared_.response.size(request_));
        if (failed)
            co_return failed;
        host_.on_answered(index_);
        if (shared_.how.response.how != framing::until_close)
            continue;
        discard_unread();
        close();
        co_return error_code{};
    }
}

net::awaitable<error_code> connection::read_hello()
{
    for (;;) {
        const auto progress = client_hello_in(hello_);
        if (progress == hello_progress::complete)
            co_return error_code{};
        if (progress == hello_progress::malformed) {
            fault_ = "no TLS ClientHello";
            co_return bad_message();
        }
        auto [failed] = co_await socket_.async_wait(net::ip::tcp::socket::wait_read, token);
        if (failed)
            co_return failed;
        const auto error = receive_hello();
        if (error && error != would_block())
            co_return error;
    }
}

net::awaitable<error_code> connection::handshake()
{
    tls_ = std::make_unique<tls_layer>(socket_, *shared_.tls);
    const auto side = net::ssl::stream_base::server;
    if (hello_.empty()) {
        auto [error] = co_await tls_->stream.async_handshake(side, token);
        handshake_done_ = !error;
        co_return error;
    }
    const auto hello = net::buffer(hello_);
    auto [error, used] = co_await tls_->stream.async_handshake(side, hello, token);
    handshake_done_ = !error;
    co_return error;
}

// Reading -----------------------------------------------------------------------------------------

net::awaitable<error_code> connection::read_request(reading_goal goal)
{
    for (;;) {
        if (request_.fault())
            co_return bad_message();
        const auto total_bytes = host_.seen(index_).request_bytes;
        if (goal.reached(request_, total_bytes))
            co_return error_code{};
        if (owes_continue(goal)) {
            auto failed = co_await send_continue();
            if (failed)
                co_return failed;
        }
        auto failed = co_await read_more(goal.appetite(request_, total_bytes));
        if (failed)
            co_return failed;
    }
}

/// Reads once, at most so many bytes; waits for them.
net::awaitable<error_code> connection::read_more(std::size_t most)
{
    if (tls_) {
        const auto into = net::buffer(tls_->buffer, most);
        auto [error, got] = co_await tls_->stream.async_read_some(into, token);
        if (!error)
            take({tls_->buffer.data(), got});
        co_return error;
    }
    error_code error = would_block();
    if (++reads_ % in_a_row != 0)
        error = receive(most);
    if (error != would_block())
        co_return error;
    auto [failed] = co_await socket_.async_wait(net::ip::tcp::socket::wait_read, token);
    if (failed)
        co_return failed;
    error = receive(most);
    if (error == would_block())
        co_return error_code{};
    co_return error;
}

/// Reads what is there, on this function's own stack: a waiting connection holds no buffer.
error_code connection::receive(std::size_t most)
{
    std::array<char, scratch_bytes> piece;
    const auto got = receive_into(socket_.native_handle(), piece, most);
    if (!got)
        return got.error();
    take(*got);
    return {};
}

error_code connection::receive_hello()
{
    std::array<char, scratch_bytes> piece;
    const auto got = receive_into(socket_.native_handle(), piece, piece.size());
    if (!got)
        return got.error();
    hello_.append(*got);
    return {};
}

void connection::take(std::string_view bytes)
{
    host_.seen(index_).request_bytes += bytes.size();
    host_.seen(index_).complete = false;
    request_.feed(bytes);
}

bool connection::owes_continue(const reading_goal& goal) const
{
    return request_.head_complete() && request_.expects_continue() && !continue_sent_ &&
           request_.body_bytes() == 0 && goal.until != reading_goal::kind::head;
}

} // namespace finwait::origin
