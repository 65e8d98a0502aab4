#include "probe/kernel/socket_facts.hpp"

#include "probe/kernel/system_error.hpp"
#include "probe/kernel/unique_fd.hpp"

#include <algorithm>
#include <cstring>

#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace finwait::kernel {

namespace {

/// The kernel's structure as an endpoint; EAFNOSUPPORT for a socket that is not of the internet.
result<endpoint> to_endpoint(const sockaddr_storage& from)
{
    endpoint where;
    if (from.ss_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &from, sizeof v4);
        std::memcpy(where.address.data(), &v4.sin_addr, sizeof v4.sin_addr);
        where.port = ntohs(v4.sin_port);
        return where;
    }
    if (from.ss_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &from, sizeof v6);
        where.family = address_family::ipv6;
        std::memcpy(where.address.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
        where.port = ntohs(v6.sin6_port);
        return where;
    }
    return errno_code(EAFNOSUPPORT);
}

struct socket_address
{
    sockaddr_storage bytes{};
    socklen_t length = 0;

    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&bytes); }
};

socket_address to_sockaddr(const endpoint& where)
{
    socket_address out;
    if (where.family == address_family::ipv4) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(where.port);
        std::memcpy(&v4.sin_addr, where.address.data(), sizeof v4.sin_addr);
        std::memcpy(&out.bytes, &v4, sizeof v4);
        out.length = sizeof v4;
    } else {
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(where.port);
        std::memcpy(&v6.sin6_addr, where.address.data(), sizeof v6.sin6_addr);
        std::memcpy(&out.bytes, &v6, sizeof v6);
        out.length = sizeof v6;
    }
    return out;
}

result<endpoint> local_of(int fd)
{
    sockaddr_storage name{};
    socklen_t length = sizeof name;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length) != 0)
        return last_error();
    return to_endpoint(name);
}

/// SO_PEERNAME rather than getpeername(2): in SYN_SENT it gives the address that was asked for,
/// where getpeername says ENOTCONN (net/ipv4/af_inet.c inet_getname(), peer 2).
result<endpoint> peer_of(int fd, address_family family)
{
    sockaddr_storage name{};
    // A longer buffer than the address is EINVAL (net/core/sock.c sk_getsockopt()).
    socklen_t length = family == address_family::ipv4 ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERNAME, &name, &length) == 0)
        return to_endpoint(name);
    if (errno != ENOTCONN)
        return last_error();
    endpoint none;
    none.family = family;
    return none;
}

result<std::uint32_t> queue_length(int fd, unsigned long request)
{
    int bytes = 0;
    if (ioctl(fd, request, &bytes) != 0)
        return last_error();
    return static_cast<std::uint32_t>(std::max(bytes, 0));
}

} // namespace

result<socket_id> identify(int fd)
{
    socket_id id;
    socklen_t length = sizeof id.cookie;
    if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &id.cookie, &length) != 0)
        return last_error();
    const auto local = local_of(fd);
    if (!local)
        return local.error();
    id.local = *local;
    const auto peer = peer_of(fd, id.local.family);
    if (!peer)
        return peer.error();
    id.peer = *peer;
    return id;
}

result<std::uint32_t> inode_of(int fd)
{
    struct stat status
    {
    };
    if (fstat(fd, &status) != 0)
        return last_error();
    if (!S_ISSOCK(status.st_mode))
        return errno_code(ENOTSOCK);
    return static_cast<std::uint32_t>(status.st_ino); // sock_diag has 32 bits for it as well
}

result<std::uint32_t> unread_bytes(int fd)
{
    return queue_length(fd, SIOCINQ);
}

result<std::uint32_t> unsent_bytes(int fd)
{
    return queue_length(fd, SIOCOUTQ);
}

int try_bind(const endpoint& where)
{
    const int family = where.family == address_family::ipv4 ? AF_INET : AF_INET6;
    const unique_fd trial(socket(family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP));
    if (!trial)
        return errno;
    if (family == AF_INET6) {
        // An IPv4-mapped address can be bound only by a socket that speaks both.
        const int only_v6 = 0;
        if (setsockopt(trial.get(), IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof only_v6) != 0)
            return errno;
    }
    const socket_address address = to_sockaddr(where);
    return bind(trial.get(), address.get(), address.length) == 0 ? 0 : errno;
}

} // namespace finwait::kernel
