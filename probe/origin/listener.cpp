#include "probe/origin/listener.hpp"

#include "probe/origin/tcp_facts.hpp"

#include <boost/system/errc.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <netinet/in.h>
#include <poll.h>
#include <sys/stat.h>

namespace finwait::origin {

namespace {

constexpr int tcp_nodelay = 1; // TCP_NODELAY; <netinet/tcp.h> stays out, see tcp_facts.hpp
constexpr int small_receive_buffer_bytes = 4096;
constexpr int backlog = 4096; // the kernel caps it at net.core.somaxconn
constexpr int most_fillers = 8;

/// Longer than loopback ever needs for a handshake, shorter than the first SYN retransmission (1
/// s).
constexpr int filler_patience_ms = 200;

constexpr int stream_flags = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;

int domain_of(address_family family)
{
    return family == address_family::ipv4 ? AF_INET : AF_INET6;
}

bool set_option(int fd, int level, int name, int value)
{
    return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

result<endpoint> bind_and_listen(int fd, const script& how)
{
    auto address = to_socket_address(loopback(how.family, 0));
    const int length = how.at == kill_point::connect ? 0 : backlog;
    if (::bind(fd, address.get(), address.size) != 0 || ::listen(fd, length) != 0)
        return last_error();
    address.size = sizeof address.storage;
    if (::getsockname(fd, address.get(), &address.size) != 0)
        return last_error();
    return to_endpoint(address);
}

bool wants_small_window(const script& how)
{
    return how.blocked ||
           (how.at == kill_point::request_headers && how.request_bytes_until_stall == 0);
}

enum class filler_end { queued, stays_syn_sent };

/// Connects once more. SYN_SENT is believed only when the listener says that its queue is full, or
/// when it lasts (without SYN cookies a backlog of 0 takes no connection at all).
result<filler_end> add_filler(listener& to)
{
    kernel::unique_fd filler(::socket(domain_of(to.where.family), stream_flags, 0));
    const auto address = to_socket_address(to.where);
    if (!filler ||
        (::connect(filler.get(), address.get(), address.size) != 0 && errno != EINPROGRESS))
        return last_error();
    if (state_of(filler.get()) == tcp_state::SYN_SENT && !accept_queue_full(to.fd.get())) {
        pollfd connected{filler.get(), POLLOUT, 0};
        (void)::poll(&connected, 1, filler_patience_ms); // ignoring: the state below decides
    }
    const auto state = state_of(filler.get());
    if (state == tcp_state::SYN_SENT)
        return filler_end::stays_syn_sent; // closed here: it leaves nothing, not even a packet
    to.fillers.push_back(std::move(filler));
    return filler_end::queued;
}

boost::system::error_code fill_queue(listener& to)
{
    for (int i = 0; i < most_fillers; ++i) {
        const auto end = add_filler(to);
        if (!end)
            return end.error();
        if (*end == filler_end::stays_syn_sent)
            return {};
    }
    return boost::system::errc::make_error_code(boost::system::errc::timed_out);
}

} // namespace

boost::system::error_code last_error()
{
    return {errno, boost::system::system_category()};
}

socket_address to_socket_address(const endpoint& where)
{
    socket_address to;
    if (where.family == address_family::ipv4) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(where.port);
        std::memcpy(&v4.sin_addr, where.address.data(), sizeof v4.sin_addr);
        std::memcpy(&to.storage, &v4, sizeof v4);
        to.size = sizeof v4;
    } else {
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(where.port);
        std::memcpy(&v6.sin6_addr, where.address.data(), sizeof v6.sin6_addr);
        std::memcpy(&to.storage, &v6, sizeof v6);
        to.size = sizeof v6;
    }
    return to;
}

endpoint to_endpoint(const socket_address& from)
{
    endpoint where;
    if (from.storage.ss_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &from.storage, sizeof v4);
        where.port = ntohs(v4.sin_port);
        std::memcpy(where.address.data(), &v4.sin_addr, sizeof v4.sin_addr);
    } else {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &from.storage, sizeof v6);
        where.family = address_family::ipv6;
        where.port = ntohs(v6.sin6_port);
        std::memcpy(where.address.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
    }
    return where;
}

result<listener> open_listener(const script& how)
{
    listener made;
    made.fd.reset(::socket(domain_of(how.family), stream_flags, 0));
    if (!made.fd || !set_option(made.fd.get(), IPPROTO_TCP, tcp_nodelay, 1))
        return last_error();
    if (wants_small_window(how) &&
        !set_option(made.fd.get(), SOL_SOCKET, SO_RCVBUF, small_receive_buffer_bytes))
        return last_error();
    const auto where = bind_and_listen(made.fd.get(), how);
    if (!where)
        return where.error();
    made.where = *where;
    if (how.at == kill_point::connect)
        if (const auto error = fill_queue(made); error)
            return error;
    return made;
}

result<accepted> accept_one(int listener, const endpoint& where)
{
    accepted one;
    socket_address peer;
    one.fd.reset(::accept4(listener, peer.get(), &peer.size, SOCK_CLOEXEC | SOCK_NONBLOCK));
    socklen_t size = sizeof one.id.cookie;
    struct stat about
    {
    };
    if (!one.fd || ::getsockopt(one.fd.get(), SOL_SOCKET, SO_COOKIE, &one.id.cookie, &size) != 0 ||
        ::fstat(one.fd.get(), &about) != 0)
        return last_error();
    one.id.local = where;
    one.id.peer = to_endpoint(peer);
    one.inode = static_cast<std::uint32_t>(about.st_ino);
    return one;
}

} // namespace finwait::origin
