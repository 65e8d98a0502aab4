// A matrix of probes and what came of it.
#pragma once

#include "probe/model/report.hpp"

namespace finwait {

/// Where probes run.
enum class lab_kind {
    namespace_, ///< network namespaces of the worker's own making
    host,       ///< the host's loopback: the right to make namespaces is missing
};

template <>
struct words<lab_kind>
{
    static constexpr std::string_view what = "lab";
    static constexpr std::array<std::string_view, 2> table{"namespace", "host"};
};

/// Cells that this environment cannot do at all.
struct not_run
{
    std::string what;   ///< such as `sock_destroy`, `resolve`
    std::string reason; ///< why not
    std::string cure;   ///< what would make it possible

    friend bool operator==(const not_run&, const not_run&) = default;
};

/// What the kernel and the machine allow, told by the worker.
struct environment
{
    std::string kernel; ///< uname -r
    lab_kind lab = lab_kind::host;
    std::vector<finwait::not_run> not_run;
    std::map<std::string, std::string, std::less<>> sysctls; ///< net.ipv4 names without the prefix
    std::vector<std::string> capabilities; ///< effective ones, CAP_…, over the lab's namespace
    std::vector<std::string> observers;    ///< `sock_diag`, `destroy_events`

    friend bool operator==(const environment&, const environment&) = default;
};

enum class outcome { clean, unverified, findings, void_ };

template <>
struct words<outcome>
{
    static constexpr std::string_view what = "outcome";
    static constexpr std::array<std::string_view, 4> table{
        "clean", "unverified", "findings", "void"};
};

/// A matrix of probes with its outcome. Complete or, after an interruption, what there is.
struct audit
{
    std::string id; ///< ULID
    std::chrono::system_clock::time_point started;
    std::int64_t took_ns = 0;
    finwait::outcome outcome = finwait::outcome::unverified;
    std::map<finwait::verdict, std::uint64_t> summary; ///< every verdict, zeros too; no controls
    std::uint64_t controls_planned = 0;
    std::uint64_t controls_caught = 0;
    std::vector<std::string> findings; ///< report ids
    finwait::environment environment;
    std::vector<report> reports;
    bool interrupted = false;
    std::string name{};                 ///< of the configuration; empty: it has none
    std::uint64_t reports_left_out = 0; ///< that `reports` no longer has, or never had

    friend bool operator==(const audit&, const audit&) = default;
};

} // namespace finwait
