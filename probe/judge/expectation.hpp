// How a plan goes when client and kernel do what is right: the plan is walked through the close
// rules, and what comes out are the looks that would be taken. judge.hpp's expected_of() judges
// them by the same rules as observed ones.
//
// What is taken for granted of the two ends:
// - The client has no read pending at `connected`, `request_headers`, `request_body`, `idle`,
//   `idle_peer_closed` and in every `unread` plan. Elsewhere everything received is read.
// - A TLS 1.3 origin sends its session tickets right after the handshake. They are unread at
//   `request_headers` and `request_body`; at later points a read has taken them up.
// - No kill sends a close_notify.
// - The origin has read what it was sent, except behind a closed window (`blocked`).
// - `answer`: the origin reads to the end, writes what it owes, sends a close_notify when a TLS
//   session was established, closes. Half a request cannot be answered. What it says to a client
//   that goes away within the handshake or while `100 Continue` is awaited is its own choice: both
//   courses are right.
// - Outside kills: the client stands still until the first look. Then it reads what is there until
//   it sees the end or the error (an `unread` plan: it does not read), and closes. `peer_silent`:
//   its own deadline closes it as it stood at the kill point, without reading or writing, and
//   before the origin is let go.
// - A server that is not the lab's own may do any of these things after the kill, at any time, and
//   may have answered or sent tickets already: all these courses are right.
#pragma once

#include "probe/judge/close_rules.hpp"

#include <optional>
#include <vector>

namespace finwait::judge {

/// One right course of a plan: the connection before the kill and at the two looks. All absent
/// when there is no socket (`resolve`).
struct course
{
    std::optional<connection_model> before;
    std::optional<connection_model> first;
    std::optional<connection_model> second;
};

/// What of the set-up is known better than from the plan: what was seen at the kill.
struct observed_setup
{
    std::optional<bool> unread;            ///< data in the client's receive queue
    std::optional<tcp_state> client_state; ///< SYN_SENT, ESTABLISHED or CLOSE_WAIT
};

/// All right courses of a possible plan, at least one. Pure.
std::vector<course> courses_of(const plan& done, const observed_setup& known = {});

/// The look that would be taken of a modelled end.
look look_at(const side& end, std::int64_t at_ns);

/// The report that a course gives: what a probe fills in before it is judged. Its times and byte
/// counts are made up.
report foreseen_report(const plan& done, const course& how);

} // namespace finwait::judge
