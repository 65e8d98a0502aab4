// The settings of a network namespace that decide how long the kernel keeps a dying socket.
#pragma once

#include "probe/kernel/sock_diag.hpp"

#include <map>
#include <string>
#include <string_view>

namespace finwait::kernel {

/// net.ipv4 settings of the calling thread's network namespace, by name without the prefix:
/// tcp_fin_timeout, tcp_orphan_retries, tcp_rto_max_ms, tcp_syn_retries, tcp_max_tw_buckets,
/// tcp_tw_reuse, tcp_retries2, tcp_timestamps, tcp_rfc1337. A name the kernel lacks is left out.
std::map<std::string, std::string, std::less<>> tcp_sysctls();

/// Writes one, in the calling thread's network namespace. Errors: ENOENT, EACCES, EINVAL, EROFS.
result<void> set_sysctl(std::string_view name, std::string_view value);

} // namespace finwait::kernel
