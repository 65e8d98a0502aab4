// What one probe found.
#pragma once

#include "probe/model/plan.hpp"
#include "probe/model/timeline.hpp"
#include "probe/model/verdict.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace finwait {

/// One end of a connection at one moment, as the kernel told it.
struct look
{
    tcp_state state = tcp_state::CLOSE; ///< CLOSE: no such socket (ENOENT)
    bool owned = false; ///< a descriptor remains; also with CLOSE (a zombie descriptor)
    bool minisock = false;
    tcp_timer timer = tcp_timer::none;
    std::uint32_t expires_ms = 0; ///< of `timer`; 0 and still listed: due within one wheel step
    std::uint32_t retransmits = 0;
    std::uint32_t rqueue = 0; ///< unread bytes, plus one for a received FIN
    std::uint32_t wqueue = 0; ///< unacknowledged bytes, plus one for an unacknowledged SYN or FIN
    std::int64_t at_ns = 0;   ///< when, from the probe's start

    friend bool operator==(const look&, const look&) = default;
};

/// Unread bytes of an end, a received FIN not counted.
inline std::uint32_t unread_in(const look& seen)
{
    const bool counts_fin = seen.state == tcp_state::CLOSE_WAIT ||
                            seen.state == tcp_state::LAST_ACK || seen.state == tcp_state::CLOSING;
    return seen.rqueue - (counts_fin && seen.rqueue > 0 ? 1 : 0);
}

/// Bytes written and not acknowledged, an unacknowledged SYN not counted.
inline std::uint32_t unsent_in(const look& seen)
{
    return seen.wqueue - (seen.state == tcp_state::SYN_SENT && seen.wqueue > 0 ? 1 : 0);
}

/// Can the client's port be bound? The original question, answered by bind(2) itself.
struct port_answer
{
    std::optional<bool> bindable_after_kill;   ///< absent: not tried
    std::optional<bool> bindable_after_origin; ///< absent: not tried
    std::string error;                         ///< errno's name of the last refusal, or empty

    friend bool operator==(const port_answer&, const port_answer&) = default;
};

/// A process that has the socket open.
struct holder
{
    std::int32_t pid = 0;
    std::int32_t fd = -1;
    std::string command;

    friend bool operator==(const holder&, const holder&) = default;
};

/// One end of one connection, from before the kill to after the second look.
struct end
{
    std::uint64_t cookie = 0; ///< SO_COOKIE
    endpoint local;
    endpoint peer;
    std::uint32_t inode = 0; ///< while it had an owner; 0: nobody had accepted it
    std::uint32_t unread_at_kill_bytes = 0;
    std::uint32_t unsent_at_kill_bytes = 0;
    timeline states;
    std::optional<look> after_kill;   ///< the first look
    std::optional<look> after_origin; ///< the second look
    port_answer port;                 ///< of the client's end only
    std::vector<holder> holders;      ///< after the kill, other than who is meant to have it

    friend bool operator==(const end&, const end&) = default;
};

/// One connection that the client opened or the origin saw.
struct connection
{
    std::optional<end> client;
    std::optional<end> origin;        ///< absent: it cannot be seen, or there is none (connect)
    std::uint64_t request_bytes = 0;  ///< that the origin read
    std::uint64_t response_bytes = 0; ///< that the origin wrote
    bool complete = false;            ///< every request that came on it was answered in full
    finwait::verdict verdict = finwait::verdict::unverified;
    std::optional<tcp_state> end_state; ///< JSON `end`: CLOSE or TIME_WAIT; absent unless released
    std::optional<std::int64_t> gone_by_ns; ///< when the kernel is rid of it at the latest

    friend bool operator==(const connection&, const connection&) = default;
};

/// Whether and how the kill happened.
struct kill_record
{
    bool happened = false;
    std::string confirmed_by; ///< the evidence; empty when it did not happen
    std::optional<std::int64_t> at_ns;

    friend bool operator==(const kill_record&, const kill_record&) = default;
};

/// Where a baseline comes from.
enum class baseline_source {
    measured, ///< from successes of the same client
    recipe,   ///< from what its recipe says
};

template <>
struct words<baseline_source>
{
    static constexpr std::string_view what = "source of a baseline";
    static constexpr std::array<std::string_view, 2> table{"measured", "recipe"};
};

/// A client in a process of its own.
struct process_record
{
    std::int32_t pid = 0;
    std::vector<std::string> command;
    std::string ended; ///< `signal 9`, `exit status 0`, or empty while it lives
    bool lives = false;
    bool is_done = false; ///< it said that its cleanup is done
    /// Connections that its successes leave open; absent: not known, it is no recipe's, or its
    /// process is not there to keep any.
    std::optional<unsigned> baseline;
    std::optional<finwait::baseline_source> baseline_source; ///< absent: there is no baseline
    unsigned zombie_fds = 0;     ///< its TCP sockets that no listing shows, after the kill
    unsigned new_zombie_fds = 0; ///< of these, those since the kill and of no connection known
    unsigned extra_requests = 0; ///< that came to the origin beyond those asked for: retries
    /// After a cancel: does it still serve a request? Absent: not asked, or it is still in the call
    /// that was to be cancelled, with its connection open.
    std::optional<bool> works;
    std::string output; ///< bounded

    friend bool operator==(const process_record&, const process_record&) = default;
};

/// Why the verdict is what it is. `code` and `source` refer to static text.
struct reason
{
    std::string code;
    std::string text;   ///< one sentence a person understands
    std::string source; ///< RFC section, kernel function, man page

    friend bool operator==(const reason&, const reason&) = default;
};

/// What a correct client on a correct kernel gives, or for a control `leaked`.
struct expectation
{
    std::vector<verdict> verdicts;
    std::optional<tcp_state> end_state; ///< absent: either, or there is no end

    friend bool operator==(const expectation&, const expectation&) = default;
};

/// TCP counters by their kernel names (/proc/net/netstat TcpExt, /proc/net/snmp Tcp): differences.
using counter_deltas = std::map<std::string, std::int64_t, std::less<>>;

/// What one probe found.
struct report
{
    std::string id; ///< ULID
    std::chrono::system_clock::time_point started;
    std::int64_t took_ns = 0;
    bool control = false;
    finwait::plan plan;
    kill_record kill;
    std::vector<connection> connections;
    std::optional<process_record> process;  ///< absent: the client ran inside the worker
    std::optional<counter_deltas> counters; ///< absent: the namespace was shared
    finwait::verdict verdict = finwait::verdict::unverified;
    std::optional<tcp_state> end_state;
    expectation expected;
    bool as_expected = false;
    std::vector<reason> reasons;
    std::vector<std::string> warnings;

    friend bool operator==(const report&, const report&) = default;
};

/// A cell that is not a control and is leaked, or differs from its expectation. An unverified cell
/// is no finding: it could not be judged.
inline bool is_finding(const report& r)
{
    return !r.control && r.verdict != verdict::unverified &&
           (r.verdict == verdict::leaked || !r.as_expected);
}

/// A control that was caught.
inline bool is_caught(const report& r)
{
    return r.control && r.verdict == verdict::leaked;
}

} // namespace finwait
