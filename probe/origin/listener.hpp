// The listening socket of an origin.
#pragma once

#include "probe/kernel/unique_fd.hpp"
#include "probe/origin/origin.hpp"

#include <vector>

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
};

/// Accepts one connection. Errors: would_block when there is none, EMFILE.
/// `where` is the listener's address, which is also the accepted socket's own.
result<accepted> accept_one(int listener, const endpoint& where);

} // namespace finwait::origin
