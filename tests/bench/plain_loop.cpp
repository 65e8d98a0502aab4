#include "tests/bench/plain_loop.hpp"

#include "probe/kernel/unique_fd.hpp"

#include <array>
#include <cerrno>
#include <system_error>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace finwait::bench {
namespace {

[[noreturn]] void fail(const char* what)
{
    throw std::system_error(errno, std::system_category(), what);
}

sockaddr_in address(std::uint32_t host, std::uint16_t port)
{
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_addr.s_addr = htonl(host);
    out.sin_port = htons(port);
    return out;
}

const sockaddr* generic(const sockaddr_in& where)
{
    return reinterpret_cast<const sockaddr*>(&where);
}

/// One epoll loop with both ends of every exchange in it.
class plain_loop
{
public:
    plain_loop(const traffic& what, std::uint64_t count) : what_(what), left_(count), open_(count)
    {
        epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
        listener_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        const auto any = address(INADDR_LOOPBACK, 0);
        socklen_t size = sizeof here_;
        if (!epoll_ || !listener_ || ::bind(listener_.get(), generic(any), sizeof any) != 0 ||
            ::listen(listener_.get(), SOMAXCONN) != 0 ||
            ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&here_), &size) != 0)
            fail("listen");
        watch(listener_.get(), EPOLLIN, EPOLL_CTL_ADD);
    }

    void run(std::size_t in_flight)
    {
        for (std::size_t i = 0; i < in_flight && left_ > 0; ++i)
            start();
        std::array<epoll_event, 256> events{};
        while (open_ > 0) {
            const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), -1);
            for (int i = 0; i < count; ++i)
                serve(events[static_cast<std::size_t>(i)]);
        }
    }

private:
    enum class role : std::uint8_t { none, connecting, awaiting, origin };

    struct party
    {
        role is = role::none;
        std::size_t got = 0;
    };

    void watch(int fd, std::uint32_t events, int how)
    {
        epoll_event wanted{};
        wanted.events = events;
        wanted.data.fd = fd;
        if (::epoll_ctl(epoll_.get(), how, fd, &wanted) != 0)
            fail("epoll_ctl");
    }

    party& of(int fd)
    {
        if (parties_.size() <= static_cast<std::size_t>(fd))
            parties_.resize(static_cast<std::size_t>(fd) + 1024);
        return parties_[static_cast<std::size_t>(fd)];
    }

    void start()
    {
        --left_;
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
            fail("socket");
        const int one = 1;
        ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
        const auto source = address(INADDR_LOOPBACK + next_source_++ % what_.sources, 0);
        if (::bind(fd, generic(source), sizeof source) != 0)
            fail("bind");
        if (::connect(fd, generic(here_), sizeof here_) != 0 && errno != EINPROGRESS)
            fail("connect");
        of(fd) = {role::connecting, 0};
        watch(fd, EPOLLOUT, EPOLL_CTL_ADD);
    }

    void serve(const epoll_event& event)
    {
        const int fd = event.data.fd;
        if (fd == listener_.get())
            return accept_all();
        switch (of(fd).is) {
        case role::connecting:
            return send_request(fd);
        case role::awaiting:
            return receive_response(fd);
        case role::origin:
            return answer(fd);
        case role::none:
            return;
        }
    }

    void accept_all()
    {
        for (;;) {
            const int fd =
                ::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0)
                return;
            of(fd) = {role::origin, 0};
            watch(fd, EPOLLIN, EPOLL_CTL_ADD);
        }
    }

    void send_request(int fd)
    {
        if (::send(fd, what_.request.data(), what_.request.size(), MSG_NOSIGNAL) < 0)
            fail("send");
        of(fd).is = role::awaiting;
        watch(fd, EPOLLIN, EPOLL_CTL_MOD);
    }

    void receive_response(int fd)
    {
        const auto got = ::recv(fd, buffer_.data(), buffer_.size(), 0);
        if (got <= 0)
            fail("recv");
        of(fd).got += static_cast<std::size_t>(got);
        if (of(fd).got < what_.response.size())
            return;
        if (what_.kill == plain_kill::reset) {
            const linger now{1, 0};
            ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        }
        of(fd).is = role::none;
        ::close(fd);
        if (left_ > 0)
            start();
    }

    void answer(int fd)
    {
        const auto got = ::recv(fd, buffer_.data(), buffer_.size(), 0);
        if (got <= 0) {
            of(fd).is = role::none;
            ::close(fd);
            --open_;
            return;
        }
        of(fd).got += static_cast<std::size_t>(got);
        if (of(fd).got >= what_.request.size() &&
            ::send(fd, what_.response.data(), what_.response.size(), MSG_NOSIGNAL) < 0)
            fail("send");
    }

    const traffic& what_;
    std::uint64_t left_;
    std::uint64_t open_;
    kernel::unique_fd epoll_;
    kernel::unique_fd listener_;
    sockaddr_in here_{};
    std::vector<party> parties_;
    std::array<char, 65536> buffer_{};
    unsigned next_source_ = 0;
};

} // namespace

void run_plain_loop(const traffic& what, std::uint64_t count, std::size_t in_flight)
{
    plain_loop(what, count).run(in_flight);
}

} // namespace finwait::bench
