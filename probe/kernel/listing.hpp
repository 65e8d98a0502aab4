// All TCP sockets of a network namespace at once. For what is not known by its cookie yet.
#pragma once

#include "probe/kernel/sock_diag.hpp"

#include <vector>

namespace finwait::kernel {

enum class listeners { left_out, included };

/// Every TCP socket of the calling thread's network namespace, minisockets included:
/// IPv4 first, then IPv6 with the IPv4-mapped ones. A socket in CLOSE is in no listing
/// (net/ipv4/tcp.c tcp_set_state() unhashes it). A listing is no moment: what changes while it is
/// made may be in it twice or not at all. Errors: as sock_diag::open(), ENOBUFS.
result<std::vector<socket_view>> list_tcp_sockets(listeners wanted = listeners::left_out);

} // namespace finwait::kernel
