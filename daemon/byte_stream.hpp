// Standard input and output as an event loop needs them, whatever they are: pipes, terminals,
// sockets, and files and /dev/null, which epoll(7) refuses.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/system/error_code.hpp>

#include <array>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace finwait::daemon {

namespace net = boost::asio;

/// Reads what is there. The descriptor given is never made non-blocking itself, since a terminal's
/// belongs to the shell too: it is opened once more (/proc/self/fd), or, where that is refused,
/// duplicated.
class byte_source
{
public:
    /// Called with bytes that are valid during the call, with error::eof at the end, or with what
    /// went wrong.
    using handler = std::function<void(const boost::system::error_code&, std::string_view)>;

    byte_source(net::io_context& io, int fd);

    /// One reading; never calls the handler before it returns. One at a time.
    void read(handler then);

    /// Gives up a reading that waits; its handler is not called.
    void stop();

private:
    void read_now(const handler& then);

    net::posix::stream_descriptor stream_;
    int fd_;
    std::array<char, 64 * 1024> buffer_{};
};

/// Writes in order, as fast as the reader takes it. The descriptor as in byte_source.
class byte_sink
{
public:
    /// `failed` is called once, when a write fails or the reader has gone away (also while nothing
    /// is being written: POLLERR), and nothing is written from then on.
    byte_sink(
        net::io_context& io, int fd, std::function<void(const boost::system::error_code&)> failed
    );

    /// Adds bytes; `written` is called when the last of them is.
    void write(std::string bytes, std::function<void()> written);

    /// Bytes that wait to be written.
    std::size_t backlog_bytes() const { return backlog_; }

private:
    struct entry
    {
        std::string bytes;
        std::function<void()> written;
    };

    void write_next();
    void written(const boost::system::error_code& ec);
    void watch_reader();
    void fail(const boost::system::error_code& ec);

    net::io_context& io_;
    net::posix::stream_descriptor stream_;
    int fd_;
    std::function<void(const boost::system::error_code&)> failed_;
    std::deque<entry> waiting_;
    bool busy_ = false;
    bool broken_ = false;
    std::size_t backlog_ = 0;
};

} // namespace finwait::daemon
