// What the calling thread may do: capabilities(7).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace finwait::kernel {

/// The names of a capability set, `CAP_CHOWN` (bit 0) first. A bit without a name known here is
/// `CAP_` and its number. Pure.
std::vector<std::string> capability_names(std::uint64_t set);

/// The calling thread's effective set, in its own user namespace; 0 when it cannot be read.
std::uint64_t effective_capabilities();

/// Whether the set has that capability (CAP_NET_ADMIN…, linux/capability.h).
constexpr bool has_capability(std::uint64_t set, unsigned number)
{
    return (set >> number & 1U) != 0;
}

/// Whether the calling thread's capabilities count in its network namespace: only if that is owned
/// by the thread's user namespace, which a systemd unit with PrivateUsers=yes has not.
/// NS_GET_USERNS in ioctl_ns(2).
bool owns_network_namespace();

} // namespace finwait::kernel
