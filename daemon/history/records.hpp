// A report and an audit as rows of the history, made in the thread that has them whole.
#pragma once

#include "daemon/history/history.hpp"
#include "web/json/history.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace finwait::daemon {

/// A cell and what came of it. A matrix shows it as one, and it has findings over the audits of one
/// name.
struct kind_row
{
    json::cell_words cell;
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
