// What this process uses of the machine.
#pragma once

#include "web/status.hpp"

namespace finwait::daemon {

/// Descriptors, sockets among them, resident memory: /proc/self/fd, /proc/self/statm. What cannot
/// be read is 0. `workers` is the caller's to fill in.
self_facts facts_of_self();

} // namespace finwait::daemon
