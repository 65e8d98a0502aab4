// All writing of a connection, and the watch over a send that stands.
#include "probe/kernel/system_error.hpp"
#include "probe/origin/connection_parts.hpp"
#include "probe/origin/tcp_facts.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include <cerrno>

#include <sys/socket.h>

namespace finwait::origin {

using namespace connection_parts;

namespace {

constexpr std::string_view interim = "HTTP/1.1 100 Continue\r\n\r\n";

/// How long a send may make no progress before it is looked at.
constexpr auto send_patience = std::chrono::milliseconds(100);

} // namespace

net::awaitable<error_code> connection::send_continue()
{
    continue_sent_ = true;
    const auto text = net::buffer(interim);
    error_code result;
    if (tls_) {
        auto [error, sent] = co_await net::async_write(tls_->stream, text, token);
        host_.seen(index_).response_bytes += sent;
        result = error;
    } else {
        auto [error, sent] = co_await net::async_write(socket_, text, token);
        host_.seen(index_).response_bytes += sent;
        result = error;
    }
    co_return result;
}

net::awaitable<error_code> connection::write_response(std::uint64_t end)
{
    if (tls_)
        co_return co_await write_tls(end);
    while (response_offset_ < end) {
        const auto error = send(end);
        if (error && error != would_block()) {
            end_watch();
            co_return error;
        }
        if (!error && ++sends_ % in_a_row != 0)
            continue;
        watch_send();
        auto [failed] = co_await socket_.async_wait(net::ip::tcp::socket::wait_write, token);
        if (failed) {
            end_watch();
            co_return failed;
        }
    }
    end_watch();
    co_return error_code{};
}

net::awaitable<error_code> connection::write_tls(std::uint64_t end)
{
    error_code error;
    while (response_offset_ < end && !error) {
        const auto size = shared_.response.copy(response_offset_, end, tls_->buffer);
        const auto from = net::buffer(tls_->buffer, size);
        watch_send();
        auto [failed, sent] = co_await tls_->stream.async_write_some(from, token);
        response_offset_ += sent;
        host_.seen(index_).response_bytes += sent;
        error = failed;
    }
    end_watch();
    co_return error;
}

error_code connection::send(std::uint64_t end)
{
    std::array<char, scratch_bytes> piece;
    const auto size = shared_.response.copy(response_offset_, end, piece);
    const auto sent =
        ::send(socket_.native_handle(), piece.data(), size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN || errno == EINTR ? would_block() : kernel::last_error();
    response_offset_ += static_cast<std::uint64_t>(sent);
    auto& seen = host_.seen(index_);
    seen.response_bytes += static_cast<std::uint64_t>(sent);
    seen.rest_blocked = false;
    return {};
}

/// Looks at a send now and then until it ends. The send itself is never cancelled for it.
void connection::watch_send()
{
    if (sending_)
        return;
    sending_ = true;
    if (!timer_)
        timer_.emplace(socket_.get_executor());
    if (!watched_)
        watched_ = std::make_shared<connection*>(this);
    on_watch({}, UINT64_MAX);
}

void connection::on_watch(const error_code& error, std::uint64_t before_bytes)
{
    if (error || !sending_ || !is_open())
        return;
    const auto now_bytes = host_.seen(index_).response_bytes;
    const bool stands = now_bytes == before_bytes && held_by_window(socket_.native_handle());
    if (stands != host_.seen(index_).rest_blocked) {
        host_.seen(index_).rest_blocked = stands;
        if (stands)
            host_.on_rest_blocked(index_);
    }
    host_.enter();
    timer_->expires_after(send_patience);
    timer_->async_wait([watched = watched_, &host = host_, now_bytes](const error_code& failed) {
        if (*watched != nullptr)
            (*watched)->on_watch(failed, now_bytes);
        host.leave();
    });
}

void connection::end_watch()
{
    if (!sending_)
        return;
    sending_ = false;
    host_.seen(index_).rest_blocked = false;
    timer_->cancel();
}

} // namespace finwait::origin
