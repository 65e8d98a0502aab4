// Listening sockets that the service manager opened for us: sd_listen_fds(3).
#pragma once

#include "probe/kernel/unique_fd.hpp"

#include <string>
#include <vector>

namespace finwait::daemon {

enum class socket_kind { unix_stream, tcp };

/// One of them, CLOEXEC and non-blocking.
struct inherited_socket
{
    kernel::unique_fd fd;
    socket_kind kind = socket_kind::unix_stream;
    std::string name;  ///< FileDescriptorName=; for people
    std::string where; ///< path or ADDR:PORT it listens on
};

/// Those of this process: $LISTEN_FDS from 3 on when $LISTEN_PID is ours. Takes the variables out
/// of the environment. Empty: none. Throws usage_error, and says of which: no listening stream
/// socket, or a TCP one that is not on a loopback address. Call once, before threads start.
std::vector<inherited_socket> take_inherited_sockets();

/// The same of given descriptors, with their names in the same order (fewer are fine).
std::vector<inherited_socket>
inherited_from(std::vector<kernel::unique_fd> fds, const std::vector<std::string>& names);

} // namespace finwait::daemon
