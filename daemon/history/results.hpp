// What came of an audit, cell by cell, made of its tallies; they outlive its reports.
#pragma once

#include "daemon/history/sqlite.hpp"
#include "web/json/history.hpp"

#include <string_view>
#include <vector>

namespace finwait::daemon {

/// Which of a cell's reports are to be named.
enum class report_ids {
    first, ///< one of each kind; it may have been forgotten
    known, ///< the oldest 100 of those that are still there
};

/// In the order of kill points, then of kill methods, then by the other words. Throws sqlite_error.
std::vector<json::cell_results> results_of(database& from, std::string_view audit, report_ids ids);

} // namespace finwait::daemon
