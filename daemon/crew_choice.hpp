// How many workers, and how much each of them does at once.
#pragma once

#include "daemon/crew.hpp"
#include "probe/model/plan.hpp"

#include <span>

namespace finwait::daemon {

/// Probes in flight in one worker of an audit. A probe mostly waits (for the ACK of a FIN: 45 ms,
/// delayed ACK, net/ipv4/tcp_input.c; for the looks: up to 150 ms each), so that an audit is as
/// fast as many wait at once. With many more they wait for the processor instead, and a library's
/// own timeout strikes before both ends are known. Each takes about 20 descriptors and a network
/// namespace.
constexpr unsigned audit_in_flight = 28;

/// Processors this process may use (sched_getaffinity(2)), at least 1.
unsigned usable_processors();

/// `jobs` and `in_flight` 0: chosen here. One target that is not the lab's own takes all probes to
/// the host's network.
crew_options choose_crew(std::span<const plan> plans, unsigned jobs, unsigned in_flight);

} // namespace finwait::daemon
