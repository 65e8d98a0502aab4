#include "probe/lab/loopback.hpp"

#include "probe/kernel/netlink.hpp"
#include "probe/kernel/system_error.hpp"
#include "probe/kernel/unique_fd.hpp"

#include <array>
#include <chrono>
#include <cstring>

#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace finwait::lab {

using kernel::errno_code;
using kernel::last_error;

namespace {

constexpr const char* loopback_name = "lo";
constexpr int buffer_bytes = 32 * 1024;
constexpr std::chrono::seconds route_timeout(2);

/// RTM_NEWADDR with IFA_FLAGS, IFA_LOCAL and room for the longer of the two kinds of address.
struct address_request
{
    nlmsghdr header;
    ifaddrmsg body;
    rtattr flags_head;
    std::uint32_t flags;
    rtattr local_head;
    std::uint8_t local[16];
};

address_request request_for(const endpoint& where, unsigned interface)
{
    const std::size_t length = where.family == address_family::ipv4 ? 4 : 16;
    address_request request{};
    request.header.nlmsg_len =
        static_cast<std::uint32_t>(sizeof request - sizeof request.local + length);
    request.header.nlmsg_type = RTM_NEWADDR;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
    request.header.nlmsg_seq = 1;
    request.body.ifa_family = where.family == address_family::ipv4 ? AF_INET : AF_INET6;
    request.body.ifa_prefixlen = static_cast<std::uint8_t>(8 * length);
    request.body.ifa_scope = RT_SCOPE_HOST;
    request.body.ifa_index = interface;
    // Nobody else can have it. And no prefix route: that one is there at once and leads to `lo`
    // like the local one, which comes later, but what is sent by it is dropped on arrival.
    request.flags = IFA_F_NODAD | IFA_F_NOPREFIXROUTE;
    request.flags_head = {RTA_LENGTH(sizeof request.flags), IFA_FLAGS};
    request.local_head = {static_cast<unsigned short>(RTA_LENGTH(length)), IFA_LOCAL};
    std::memcpy(request.local, where.address.data(), length);
    return request;
}

bool is_always_local(const endpoint& where)
{
    return where.family == address_family::ipv4 && where.address[0] == 127;
}

/// Whether an IPv6 address has a route. Nothing is sent.
bool is_reachable(const endpoint& where)
{
    const kernel::unique_fd trial(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 name{};
    name.sin6_family = AF_INET6;
    name.sin6_port = htons(9); // any but 0
    std::memcpy(&name.sin6_addr, where.address.data(), sizeof name.sin6_addr);
    return trial &&
           connect(trial.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
}

/// Waits for the route of an IPv6 address just added: the kernel acknowledges the address at once
/// and makes its route later, in a work queue (net/ipv6/addrconf.c addrconf_dad_work()).
kernel::result<void> wait_until_reachable(const endpoint& where, kernel::netlink_socket& routes)
{
    using clock = std::chrono::steady_clock;
    const auto deadline = clock::now() + route_timeout;
    while (!is_reachable(where)) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now()).count();
        pollfd news{routes.fd(), POLLIN, 0};
        if (left <= 0 || poll(&news, 1, static_cast<int>(left)) == 0)
            return errno_code(ETIMEDOUT);
        std::array<std::byte, 8192> unused;
        while (routes.receive(unused)) {
        }
    }
    return {};
}

} // namespace

kernel::result<void> set_loopback_up()
{
    const kernel::unique_fd any(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!any)
        return last_error();
    ifreq request{};
    std::strcpy(request.ifr_name, loopback_name);
    if (ioctl(any.get(), SIOCGIFFLAGS, &request) != 0)
        return last_error();
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    if (ioctl(any.get(), SIOCSIFFLAGS, &request) != 0)
        return last_error();
    return {};
}

kernel::result<void> add_address(const endpoint& address)
{
    if (is_always_local(address))
        return {};
    const unsigned interface = if_nametoindex(loopback_name);
    if (interface == 0)
        return last_error();
    auto route = kernel::netlink_socket::open(NETLINK_ROUTE, buffer_bytes);
    if (!route)
        return route.error();
    auto news = kernel::netlink_socket::open(NETLINK_ROUTE, buffer_bytes);
    if (!news)
        return news.error();
    if (auto joined = news->join(RTNLGRP_IPV6_ROUTE); !joined)
        return joined;
    const address_request request = request_for(address, interface);
    const auto bytes = std::as_bytes(std::span(&request, 1)).first(request.header.nlmsg_len);
    auto added = route->acknowledged(bytes);
    if (!added && added.error() != errno_code(EEXIST))
        return added;
    if (address.family == address_family::ipv4)
        return {};
    return wait_until_reachable(address, *news);
}

} // namespace finwait::lab
