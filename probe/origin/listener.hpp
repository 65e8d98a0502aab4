// The listening socket of an origin, and the sockaddr conversions it needs.
#pragma once

#include "probe/kernel/unique_fd.hpp"
#include "probe/origin/origin.hpp"

#include <vector>

#include <sys/socket.h>

namespace finwait::origin {

/// A listener and what fills its accept queue.
struct listener
{
    kernel::unique_fd fd; ///< non-blocking
    endpoint where;
    std::vector<kernel::unique_fd> fillers; ///< of `connect`: our own connections, never accepted
};

/// Listens on the family's loopback address, a free port. TCP_NODELAY and the receive buffer are
/// set before listen(2), since accepted sockets inherit them (after accept it is too late for the
/// window that was announced). For `connect` the accept queue is full when this returns: a
/// connection of our own was seen to stay SYN_SENT.
/// Errors: EMFILE, EADDRNOTAVAIL; timed_out when the queue does not fill.
result<listener> open_listener(const script& how);

/// One connection that was waiting to be accepted.
struct accepted
{
    kernel::unique_fd fd; ///< non-blocking
    kernel::socket_id id;
    std::uint32_t inode = 0;
};

/// Accepts one connection. Errors: would_block when there is none, EMFILE.
/// `where` is the listener's address, which is also the accepted socket's own.
result<accepted> accept_one(int listener, const endpoint& where);

/// An endpoint as the kernel takes it.
struct socket_address
{
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;

    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
    sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

socket_address to_socket_address(const endpoint& where);
endpoint to_endpoint(const socket_address& from);

/// errno as an error code.
boost::system::error_code last_error();

} // namespace finwait::origin
