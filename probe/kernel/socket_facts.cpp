#include "probe/kernel/socket_facts.hpp"

#include "probe/kernel/socket_address.hpp"
#include "probe/kernel/system_error.hpp"
#include "probe/kernel/unique_fd.hpp"

#include <algorithm>

#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace finwait::kernel {

namespace {

/// EAFNOSUPPORT for a socket that is not of the internet.
result<endpoint> to_internet(const socket_address& name)
{
    if (name.storage.ss_family != AF_INET && name.storage.ss_family != AF_INET6)
        return errno_code(EAFNOSUPPORT);
    return to_endpoint(name);
}

result<endpoint> local_of(int fd)
{
    socket_address name;
    if (getsockname(fd, name.get(), &name.size) != 0)
        return last_error();
    return to_internet(name);
}

/// SO_PEERNAME rather than getpeername(2): in SYN_SENT it gives the address that was asked for,
/// where getpeername says ENOTCONN (net/ipv4/af_inet.c inet_getname(), peer 2).
result<endpoint> peer_of(int fd, address_family family)
{
    socket_address name;
    // A longer buffer than the address is EINVAL (net/core/sock.c sk_getsockopt()).
    name.size = family == address_family::ipv4 ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERNAME, &name.storage, &name.size) == 0)
        return to_internet(name);
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

result<std::uint64_t> cookie_of(int fd)
{
    std::uint64_t cookie = 0;
    socklen_t length = sizeof cookie;
    if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length) != 0)
        return last_error();
    return cookie;
}

result<socket_id> identify(int fd)
{
    const auto local = local_of(fd);
    if (!local)
        return local.error();
    const auto peer = peer_of(fd, local->family);
    if (!peer)
        return peer.error();
    const auto cookie = cookie_of(fd);
    if (!cookie)
        return cookie.error();
    return socket_id{*cookie, *local, *peer};
}

result<socket_id> identify(int fd, const endpoint& peer)
{
    const auto local = local_of(fd);
    if (!local)
        return local.error();
    const auto cookie = cookie_of(fd);
    if (!cookie)
        return cookie.error();
    return socket_id{*cookie, *local, peer};
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
    const int family = domain_of(where.family);
    const unique_fd trial(socket(family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP));
    if (!trial)
        return errno;
    if (family == AF_INET6) {
        // An IPv4-mapped address can be bound only by a socket that speaks both.
        const int only_v6 = 0;
        if (setsockopt(trial.get(), IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof only_v6) != 0)
            return errno;
    }
    const socket_address address = to_socket_address(where);
    return bind(trial.get(), address.get(), address.size) == 0 ? 0 : errno;
}

} // namespace finwait::kernel
