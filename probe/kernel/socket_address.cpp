#include "probe/kernel/socket_address.hpp"

#include <cstring>

#include <netinet/in.h>

namespace finwait::kernel {

int domain_of(address_family family)
{
    return family == address_family::ipv4 ? AF_INET : AF_INET6;
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
    } else if (from.storage.ss_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &from.storage, sizeof v6);
        where.family = address_family::ipv6;
        where.port = ntohs(v6.sin6_port);
        std::memcpy(where.address.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
    }
    return where;
}

} // namespace finwait::kernel
