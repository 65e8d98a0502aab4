// What the daemon shows of itself besides reports and audits that have ended, as plain values;
// web/json/records makes documents of them.
#pragma once

#include "probe/model/audit.hpp"
#include "probe/model/plan.hpp"
#include "probe/model/words.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace finwait::web {

/// Where something that was asked for is in its life. An audit that has ended has no state: it has
/// an outcome.
enum class run_state { queued, running, done, cancelled };

/// An audit that has not ended. `finwait.audit/1`.
struct audit_record
{
    std::string id;
    std::string name;                    ///< of the configuration, or `ad hoc`
    run_state state = run_state::queued; ///< not `done`
    std::optional<std::chrono::system_clock::time_point> started; ///< absent: it waits
    std::uint64_t planned = 0; ///< cells, with controls; 0 while that is not known
    std::uint64_t done = 0;
};

/// A single probe. `finwait.probe/1`.
struct probe_record
{
    std::string id; ///< also that of its report
    finwait::plan plan;
    run_state state = run_state::queued;
    std::string why; ///< why there is no report although it is over, or empty
};

/// A client that can be probed. `finwait.subjects/1`. Commands and variables are not shown.
struct subject_record
{
    std::string name;
    std::string about;
    std::string kind;                   ///< `built-in`, or that of a recipe
    std::optional<std::string> version; ///< that was found; absent: it was not asked for yet
    bool is_present = false;            ///< its program is here, in a version that is known
    std::string why_absent;             ///< or empty
    std::string install;                ///< what to do then, or empty
    std::vector<std::string> modes;     ///< NAME:MODE of each further way to use it
    std::vector<kill_point> at;
    std::vector<kill_method> by;
    std::vector<framing> framings; ///< of its requests
    bool tls = false;
};

/// A server that can be asked. `finwait.targets/1`.
struct target_record
{
    std::string name;
    std::string url;                   ///< of the origin: empty
    std::vector<std::string> allow;    ///< `loopback`, `private`
    std::optional<tls_settings> tls{}; ///< absent: the configuration says nothing of it
};

/// One audit of the configuration.
struct audit_settings_record
{
    std::string name;
    std::vector<std::string> at;
    std::vector<std::string> by;
    std::vector<std::string> subjects;
    std::string target;
    bool tls = false;
    bool ipv6 = false;
    unsigned repeat = 1;
    std::optional<std::chrono::nanoseconds> every;
    std::optional<std::string> calendar;
};

/// The settings in force. `finwait.settings/1`.
struct settings_record
{
    std::optional<std::string> unix_path;
    std::optional<std::string> tcp;
    std::string tcp_writes; ///< `never` or `token`; the token itself is nowhere
    std::vector<std::string> allowed_hosts;
    std::optional<std::string> history_path;
    std::chrono::nanoseconds keep_expected{};
    std::chrono::nanoseconds keep_findings{};
    std::uint64_t history_max_bytes = 0;
    unsigned workers = 0;
    unsigned in_flight = 0;
    unsigned queue = 0;
    unsigned audit_queue = 0;
    std::chrono::nanoseconds per_target_interval{};
    std::vector<std::string> subject_directories;
    std::vector<target_record> targets;
    std::vector<audit_settings_record> audits;
    std::vector<std::string> warnings;
};

/// A report as an event tells it: `finwait.report_event/1`.
struct report_event
{
    std::string id;
    std::string audit; ///< its id; empty for a single probe
    kill_point at{};
    kill_method by{};
    std::string subject;
    finwait::verdict verdict{};
    bool as_expected = false;
    bool is_control = false;
};

} // namespace finwait::web

namespace finwait {

template <>
struct words<web::run_state>
{
    static constexpr std::string_view what = "state";
    static constexpr std::array<std::string_view, 4> table{
        "queued", "running", "done", "cancelled"};
};

} // namespace finwait
