// The life of findings: first seen, still there, gone.
#pragma once

#include "daemon/history/sqlite.hpp"

#include <cstdint>
#include <string_view>

namespace finwait::daemon {

/// What the end of an audit means for the findings of its name, cell by cell: found for the first
/// time (or again after it was gone) `new`, found again `still_there`, judged and not found `gone`.
/// A cell that was not run, or that could not be judged, says nothing. Single probes say nothing.
/// Once for each audit, within a transaction. Throws sqlite_error.
void go_on_living(database& in, std::string_view audit, std::int64_t ended_ns);

} // namespace finwait::daemon
