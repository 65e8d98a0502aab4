// The text of /proc/net/netstat and /proc/net/snmp: a line of names, then a line of values. Pure.
#pragma once

#include "probe/model/report.hpp"

#include <string_view>

namespace finwait::kernel {

/// Puts the counters of one group (`TcpExt:`, `Tcp:`) into `into`. Leaves out what is a setting or
/// a level rather than a counter (RtoMin, CurrEstab…), what is no number, and a name without value.
/// `TW` is called TCPTimeWaited.
void parse_counters(std::string_view text, std::string_view group, counter_deltas& into);

} // namespace finwait::kernel
