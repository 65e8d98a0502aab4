// Who has a socket open: /proc/PID/fd, proc(5). Finds what no socket listing shows: a descriptor
// whose socket is already CLOSE, and one that another process inherited.
#pragma once

#include "probe/kernel/sock_diag.hpp"
#include "probe/model/report.hpp"

#include <string>

namespace finwait::kernel {

/// All descriptors that refer to a socket inode.
struct holders_found
{
    std::vector<holder> holders; ///< sorted by pid, then fd
    /// Processes whose descriptors could not be read (another user's, without CAP_SYS_PTRACE).
    unsigned hidden_processes = 0;
};

/// Every process that has `socket:[inode]` open. Scans all of /proc: use it per finding, and
/// `descriptors_of` where the process is known.
holders_found find_holders(std::uint32_t inode);

/// The same, of some processes only. A process that ended meanwhile has none.
holders_found find_holders(std::uint32_t inode, std::span<const std::int32_t> pids);

/// One socket descriptor of a process.
struct socket_descriptor
{
    std::int32_t fd = -1;
    std::uint32_t inode = 0;
    std::string
        protocol; ///< xattr system.sockprotoname: `TCP`, `TCPv6`, `UNIX-STREAM`…; may be empty
};

/// The socket descriptors of a process. Errors: ENOENT (it ended), EACCES.
result<std::vector<socket_descriptor>> socket_descriptors(std::int32_t pid);

/// The command of a process, arguments joined by spaces, at most 200 bytes; empty when unknown.
std::string command_of(std::int32_t pid);

/// SO_ERROR of another process's descriptor, through pidfd_getfd(2), where ptrace rights permit.
/// The copy is a reference to the socket: it is closed before this returns. Reading takes the error
/// away from its owner (socket(7)). Errors: ESRCH, EBADF, EPERM, ENOTSOCK.
result<int> pending_error(std::int32_t pid, std::int32_t fd);

} // namespace finwait::kernel
