// What a descriptor of our own says of its socket: the identity taken before the kill.
#pragma once

#include "probe/kernel/sock_diag.hpp"

#include <string>

namespace finwait::kernel {

/// SO_COOKIE, getsockname, getpeername. A socket without a peer (SYN_SENT: the address given to
/// connect(2)) has the peer it asked for where the kernel knows it, else port 0.
result<socket_id> identify(int fd);

/// The same where the peer is known, for a system call less.
result<socket_id> identify(int fd, const endpoint& peer);

/// SO_COOKIE: the number that no other socket of this boot has. Errors: EBADF, ENOTSOCK.
result<std::uint64_t> cookie_of(int fd);

/// st_ino of the descriptor: the socket's inode.
result<std::uint32_t> inode_of(int fd);

/// SIOCINQ: unread bytes, a FIN not counted. tcp(7)
result<std::uint32_t> unread_bytes(int fd);

/// SIOCOUTQ: bytes not yet acknowledged. tcp(7)
result<std::uint32_t> unsent_bytes(int fd);

/// Tries what the original question asks: can somebody bind(2) this local address and port now?
/// No SO_REUSEADDR, so a TIME_WAIT is in the way. In the calling thread's network namespace.
/// Gives 0 or the errno (EADDRINUSE; also one of socket(2), such as EMFILE).
int try_bind(const endpoint& where);

/// errno's name (`EADDRINUSE`); the number in digits when it has none.
std::string errno_name(int number);

} // namespace finwait::kernel
