// How many workers, and how much each of them does at once.
#pragma once

#include "daemon/crew.hpp"
#include "web/json/json.hpp"

#include <chrono>
#include <span>

namespace finwait::daemon {

/// Probes in flight in one worker of an audit. A probe mostly waits (for the ACK of a FIN: 45 ms,
/// delayed ACK, net/ipv4/tcp_input.c; for the looks: up to 150 ms each), so that an audit is as
/// fast as many wait at once. With many more they wait for the processor instead, and a library's
/// own timeout strikes before both ends are known. Each takes about 20 descriptors and a network
/// namespace.
constexpr unsigned audit_in_flight = 28;

/// The same where programs are started: these take the processor for their own start (an
/// interpreter and its libraries, 0.2 to 0.5 s), and wait for timeouts and settle times after. With
/// twenty at once some that timed out by themselves had not been seen to stall before.
constexpr unsigned audit_in_flight_of_programs = 10;

/// Processors this process may use (sched_getaffinity(2)), at least 1.
unsigned usable_processors();

/// How long a client may keep its probe waiting, beyond what any probe takes.
std::chrono::milliseconds longest_of(const subject::client_order& client);

/// `jobs` and `in_flight` 0: chosen here. One target that is not the lab's own takes all probes to
/// the host's network. A worker is waited for as long as its slowest client may take.
crew_options choose_crew(std::span<const json::plan_line> plans, unsigned jobs, unsigned in_flight);

} // namespace finwait::daemon
