// A network namespace's TCP counters (/proc/net/netstat TcpExt and /proc/net/snmp Tcp).
#pragma once

#include "probe/kernel/sock_diag.hpp"
#include "probe/kernel/unique_fd.hpp"
#include "probe/model/report.hpp"

namespace finwait::kernel {

/// Reads the counters of the namespace in which it was opened, again and again.
class tcp_counters
{
public:
    /// Opens /proc/thread-self/net/{netstat,snmp} in the calling thread's namespace.
    static result<tcp_counters> open();

    /// Counter values by name, absolute. Both ends of a loopback connection count in it. The names
    /// are the kernel's, but for `TW`, which is TCPTimeWaited here.
    result<counter_deltas> read();

private:
    unique_fd netstat_;
    unique_fd snmp_;
};

/// What went up between two readings. Names that explain a verdict stay even when they are zero
/// (TCPTimeWaited, TCPAbortOnClose, TCPAbortOnData, TCPAbortOnTimeout, TCPTimeWaitOverflow,
/// EstabResets, OutRsts, AttemptFails); other names only when they moved. Names the kernel does
/// not have are left out.
counter_deltas difference(const counter_deltas& before, const counter_deltas& after);

} // namespace finwait::kernel
