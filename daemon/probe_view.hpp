// One probe as text for people: what both ends went through, side by side.
#pragma once

#include "daemon/grid.hpp"
#include "probe/model/report.hpp"

#include <string>

namespace finwait::daemon {

/// What was done, the verdict against the expectation, then per connection a time axis from top to
/// bottom with the states of the client's end on the left and of the origin's on the right, the
/// kill and the two looks between them where they happened; then whether the port could be bound,
/// the reasons with their sources, the process, the counters that moved, the warnings. Text of
/// others is escaped.
std::string show(const report& done, const table_style& style);

} // namespace finwait::daemon
