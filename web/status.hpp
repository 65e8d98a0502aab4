// What the daemon says of itself.
#pragma once

#include "probe/model/audit.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace finwait {

enum class health {
    pass, ///< does its whole job
    warn, ///< does its job worse: a fallback, an old audit
    fail, ///< cannot do its job, or its last audit has findings
};

template <>
struct words<health>
{
    static constexpr std::string_view what = "status";
    static constexpr std::array<std::string_view, 3> table{"pass", "warn", "fail"};
};

/// One thing that was looked at.
struct health_check
{
    health status = health::pass;
    std::string detail; ///< one sentence; may be empty

    friend bool operator==(const health_check&, const health_check&) = default;
};

/// By name: `sock_diag`, `lab`, `workers`…
using health_checks = std::map<std::string, health_check, std::less<>>;

/// The last audit that ended.
struct last_audit
{
    std::string id;
    finwait::outcome outcome = finwait::outcome::unverified;
    std::chrono::system_clock::time_point at; ///< when it ended

    friend bool operator==(const last_audit&, const last_audit&) = default;
};

/// How it stands with one audit of the configuration.
struct scheduled_audit
{
    std::string name;
    std::optional<last_audit> last;                            ///< absent: none has ended yet
    std::optional<std::string> running;                        ///< the id of what runs or waits
    std::optional<std::chrono::system_clock::time_point> next; ///< absent: only when asked for
    /// Times that passed without it before its last start by the schedule, which made up for them
    /// all at once.
    std::uint64_t missed = 0;

    friend bool operator==(const scheduled_audit&, const scheduled_audit&) = default;
};

/// The findings of the latest audits of each name, by their life.
struct finding_counts
{
    std::uint64_t new_ones = 0;
    std::uint64_t still_there = 0;
    std::uint64_t gone = 0;

    friend bool operator==(const finding_counts&, const finding_counts&) = default;
};

/// What waits until something else has ended.
struct waiting_counts
{
    std::uint64_t audits = 0;
    std::uint64_t probes = 0;

    friend bool operator==(const waiting_counts&, const waiting_counts&) = default;
};

/// What the daemon uses of the machine, as of the last event.
struct self_facts
{
    std::uint64_t fds = 0;
    std::uint64_t sockets = 0;
    std::uint64_t rss_bytes = 0;
    std::uint64_t workers = 0;

    friend bool operator==(const self_facts&, const self_facts&) = default;
};

/// `finwait.status/1`.
struct service_status
{
    health status = health::pass;
    std::string version;
    std::chrono::system_clock::time_point started;
    std::optional<finwait::last_audit> last_audit;                   ///< absent: none has ended yet
    std::optional<std::chrono::system_clock::time_point> next_audit; ///< absent: none is planned
    std::uint64_t open_findings = 0;                                 ///< new and still there
    finding_counts findings;
    std::vector<scheduled_audit> audits; ///< as in the configuration
    waiting_counts waiting;
    std::uint64_t index = 0; ///< grows whenever the status means something else
    health_checks checks;
    self_facts self;

    friend bool operator==(const service_status&, const service_status&) = default;
};

} // namespace finwait
