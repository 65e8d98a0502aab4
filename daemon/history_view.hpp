// Lists of reports and differences as text for people.
#pragma once

#include "daemon/grid.hpp"
#include "web/json/history.hpp"

#include <string>
#include <vector>

namespace finwait::daemon {

/// One line for each: when, where and how it died, what came of it, its id. `!` marks what is not
/// as expected. Text of others is escaped.
std::string show(const std::vector<json::report_summary>& reports, const table_style& style);

/// What is new, fixed, still there and changed, cell by cell; a line that counts the rest.
std::string show(const json::diff_summary& what, const table_style& style);

} // namespace finwait::daemon
