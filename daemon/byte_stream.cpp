#include "daemon/byte_stream.hpp"

#include "probe/kernel/unique_fd.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

namespace finwait::daemon {

namespace {

using boost::system::error_code;
using descriptor = net::posix::stream_descriptor;

error_code last_error()
{
    return {errno, boost::system::system_category()};
}

// Another open file description of the same pipe or terminal, whose O_NONBLOCK is ours alone.
kernel::unique_fd open_again(int fd, int mode)
{
    const std::string path = fmt::format("/proc/self/fd/{}", fd);
    kernel::unique_fd again(::open(path.c_str(), mode | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
    // A socket cannot be opened again (ENXIO), another user's pipe may not be (EACCES).
    return again ? std::move(again) : kernel::unique_fd(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

// epoll_ctl(2) refuses files and devices that are always ready (EPERM). Asio 1.26 does not tell of
// it when it takes the descriptor, but with each operation.
bool can_be_waited_for(int fd)
{
    const kernel::unique_fd trial(::epoll_create1(EPOLL_CLOEXEC));
    epoll_event event{};
    return trial && ::epoll_ctl(trial.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

// Of a pipe: nobody can read it any more. Of a socket: an error.
bool has_lost_reader(int fd)
{
    pollfd now{.fd = fd, .events = 0, .revents = 0};
    return ::poll(&now, 1, 0) == 1 && (now.revents & POLLERR) != 0;
}

// Leaves `stream` closed where the descriptor cannot be waited for; a file must not be opened again
// either, since that would begin at its start.
void attach(descriptor& stream, int fd, int mode)
{
    if (!can_be_waited_for(fd))
        return;
    auto again = open_again(fd, mode);
    error_code ec;
    if (again)
        stream.assign(again.get(), ec);
    if (again && !ec)
        (void)again.release();
}

} // namespace

byte_source::byte_source(net::io_context& io, int fd) : stream_(io), fd_(fd)
{
    attach(stream_, fd, O_RDONLY);
}

void byte_source::read(handler then)
{
    if (!stream_.is_open()) {
        net::post(stream_.get_executor(), [this, then = std::move(then)] { read_now(then); });
        return;
    }
    stream_.async_read_some(
        net::buffer(buffer_),
        [this, then = std::move(then)](const error_code& ec, std::size_t bytes) {
            if (ec == net::error::operation_aborted)
                return;
            then(ec, {buffer_.data(), bytes});
        }
    );
}

void byte_source::read_now(const handler& then)
{
    const ssize_t bytes = ::read(fd_, buffer_.data(), buffer_.size());
    if (bytes < 0)
        then(last_error(), {});
    else if (bytes == 0)
        then(net::error::eof, {});
    else
        then({}, {buffer_.data(), static_cast<std::size_t>(bytes)});
}

void byte_source::stop()
{
    error_code ignored;
    (void)stream_.close(ignored);
}

byte_sink::byte_sink(net::io_context& io, int fd, std::function<void(const error_code&)> failed)
    : io_(io), stream_(io), fd_(fd), failed_(std::move(failed))
{
    attach(stream_, fd, O_WRONLY);
    watch_reader();
}

void byte_sink::write(std::string bytes, std::function<void()> written)
{
    backlog_ += bytes.size();
    waiting_.push_back({std::move(bytes), std::move(written)});
    if (!busy_)
        write_next();
}

void byte_sink::write_next()
{
    if (waiting_.empty() || broken_)
        return;
    busy_ = true;
    const auto& bytes = waiting_.front().bytes;
    if (stream_.is_open()) {
        net::async_write(stream_, net::buffer(bytes), [this](const error_code& ec, std::size_t) {
            written(ec);
        });
        return;
    }
    error_code ec;
    for (std::size_t done = 0; done < bytes.size() && !ec;) {
        const ssize_t now = ::write(fd_, bytes.data() + done, bytes.size() - done);
        if (now >= 0)
            done += static_cast<std::size_t>(now);
        else if (errno != EINTR)
            ec = last_error();
    }
    net::post(io_, [this, ec] { written(ec); });
}

void byte_sink::written(const error_code& ec)
{
    busy_ = false;
    if (ec)
        return fail(ec);
    entry done = std::move(waiting_.front());
    waiting_.pop_front();
    backlog_ -= done.bytes.size();
    if (done.written)
        done.written();
    if (!busy_)
        write_next();
}

void byte_sink::watch_reader()
{
    if (!stream_.is_open())
        return;
    stream_.async_wait(descriptor::wait_error, [this](const error_code& ec) {
        if (ec == net::error::operation_aborted)
            return;
        // Asio may hand over the event of a descriptor that was closed in the same turn.
        if (!ec && !has_lost_reader(stream_.native_handle()))
            return watch_reader();
        fail(ec ? ec : error_code(net::error::broken_pipe));
    });
}

void byte_sink::fail(const error_code& ec)
{
    if (std::exchange(broken_, true))
        return;
    failed_(ec);
}

} // namespace finwait::daemon
