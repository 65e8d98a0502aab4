// How long the kernel keeps a dying socket at most: the formulas of its timers.
#pragma once

#include "probe/judge/judge.hpp"

namespace finwait::judge {

/// When the kernel is rid of this end at the latest, in ns from the probe's start, by the state,
/// the timer and its expiry of the look. An upper bound: kernel timers fire late by up to an eighth
/// of their length (kernel/time/timer.c), and 50 ms are granted to whoever looks.
/// nullopt: it has an owner, it is gone, or nothing ends it.
std::optional<std::int64_t> gone_by(const look& seen, const kernel_settings& settings);

/// An ownerless FIN_WAIT1, CLOSING or LAST_ACK whose peer never answers again: seconds from its
/// first retransmission timer to its end. `rto_s` is the first timeout, about 0.2 s on a short path
/// (net/ipv4/tcp_timer.c: tcp_write_timeout(), tcp_model_timeout(), tcp_orphan_retries()).
double silent_peer_life_s(double rto_s, const kernel_settings& settings);

/// An ownerless end behind a closed window whose peer answers the probes: the probes' interval
/// doubles until it reaches tcp_rto_max, and only then the kernel gives up
/// (net/ipv4/tcp_timer.c: tcp_probe_timer()).
double closed_window_life_s(double rto_s, const kernel_settings& settings);

} // namespace finwait::judge
