// An audit as text for people.
#pragma once

#include "daemon/grid.hpp"
#include "probe/model/audit.hpp"

#include <string>

namespace finwait::daemon {

/// The grid; then what needs a look, each with its reasons and the command that repeats it:
/// escaped controls, findings, cells that could not be judged; then what was not run and what
/// would make it possible; then one line of summary. Text of others is escaped.
std::string show(const audit& done, const table_style& style);

/// The last line alone: `clean: 398 cells in 2.10 s: 350 released, …`.
std::string summary_line(const audit& done);

} // namespace finwait::daemon
