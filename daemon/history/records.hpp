// A report and an audit as rows of the history, made in the thread that has them whole.
#pragma once

#include "daemon/history/history.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace finwait::daemon {

/// Where and how a probe died: all of its plan, less what the defaults fill in. What a matrix shows
/// as one cell, and what has findings over the audits of one name.
struct cell_row
{
    std::string kill_point;
    std::string kill_method;
    std::string subject;
    std::string target;
    std::string family;
    bool tls = false;
    bool unread = false;
    bool blocked = false;
    std::string request_framing;
    std::string response_framing;
    std::string signal_to;
    std::string after_action;

    friend auto operator<=>(const cell_row&, const cell_row&) = default;
};

/// A cell and what came of it.
struct kind_row
{
    cell_row cell;
    bool control = false;
    std::string verdict;
    std::string end_state; ///< empty: there is none
    std::string expected;  ///< JSON
    bool as_expected = false;
    bool finding = false;

    friend auto operator<=>(const kind_row&, const kind_row&) = default;
};

/// A report.
struct report_row
{
    std::string audit;
    std::string id;
    std::int64_t started_ns = 0; ///< since 1970
    kind_row kind;
    bool longer = false; ///< kept as findings are: it is one, or could not be judged, or escaped
    std::string doc;
};

/// The end of an audit.
struct audit_end_row
{
    std::string id;
    std::string name; ///< empty: as it began
    std::int64_t started_ns = 0;
    std::int64_t ended_ns = 0;
    finwait::outcome outcome = finwait::outcome::unverified;
    std::string doc;                  ///< without its reports
    bool is_interrupted = false;      ///< some of its cells were not run, or not often enough
    std::uint64_t reports = 0;        ///< that it had, with controls
    std::vector<std::string> not_run; ///< what of its cells was not possible; see finwait::not_run
};

std::int64_t nanoseconds(std::chrono::system_clock::time_point when);
std::chrono::system_clock::time_point time_of(std::int64_t nanoseconds);

/// Pure.
report_row row_of(const std::string& audit, const report& done, std::string_view line);
audit_end_row row_of(const audit& done);

} // namespace finwait::daemon
