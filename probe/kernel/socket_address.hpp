// Endpoints as system calls take and give them.
#pragma once

#include "probe/model/endpoint.hpp"

#include <sys/socket.h>

namespace finwait::kernel {

/// A sockaddr of any family. As it is made it has room for every address: for getsockname(2),
/// accept(2) and the like.
struct socket_address
{
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;

    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
    sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

/// AF_INET or AF_INET6.
int domain_of(address_family family);

/// With the size that the family has.
socket_address to_socket_address(const endpoint& where);

/// The endpoint of an AF_INET or AF_INET6 address; of any other family port 0 and no address.
endpoint to_endpoint(const socket_address& from);

} // namespace finwait::kernel
