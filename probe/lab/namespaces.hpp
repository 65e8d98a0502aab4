// The system calls that put a process into namespaces of its own.
#pragma once

#include "probe/kernel/unique_fd.hpp"
#include "probe/lab/refusal.hpp"

#include <boost/system/result.hpp>

namespace finwait::lab {

/// Puts the process into a network namespace of its own with its loopback up: directly where it may
/// (CAP_SYS_ADMIN and CAP_NET_ADMIN), else inside a user namespace of its own with an identity map.
/// nullopt when done. On refusal the process is where it was: what cannot be undone (a user
/// namespace whose capabilities AppArmor takes away) is tried in a child first. The process must
/// have one thread.
std::optional<refusal> enter_namespaces();

/// The settings of this machine that can refuse it.
refusing_settings read_refusing_settings();

/// The calling thread's network namespace. Errors: EMFILE, ENOENT (no /proc).
boost::system::result<kernel::unique_fd> current_network();

/// A fresh network namespace with its loopback up; the calling thread is back in `home` afterwards,
/// also on failure. Errors: ENOSPC, EMFILE, EPERM. Throws std::system_error when the way home is
/// barred: nothing measured from then on would be what it is taken for.
boost::system::result<kernel::unique_fd> fresh_network(int home);

} // namespace finwait::lab
