// The loopback interface of the calling thread's network namespace: netdevice(7), rtnetlink(7).
#pragma once

#include "probe/kernel/sock_diag.hpp"

namespace finwait::lab {

/// Sets `lo` up, which gives it 127.0.0.1/8 and ::1. Errors: EPERM (no CAP_NET_ADMIN over the
/// namespace).
kernel::result<void> set_loopback_up();

/// Adds an address (its port does not matter) to `lo`. One that is there already is a success, as
/// is every address of 127/8, which are all local. It can be used when this returns; for IPv6 that
/// waits for the kernel's work queue, usually less than 1 ms. Errors: EPERM; EACCES or EOPNOTSUPP
/// (IPv6 is disabled); EINVAL or EADDRNOTAVAIL (no unicast address); ETIMEDOUT (no route in 2 s).
kernel::result<void> add_address(const endpoint& address);

} // namespace finwait::lab
