// What an audit's reports come to. Pure.
#pragma once

#include "daemon/exit_code.hpp"
#include "probe/model/audit.hpp"

namespace finwait::daemon {

/// Fills in `summary`, `controls_planned`, `controls_caught`, `findings` and `outcome` from
/// `reports` and `interrupted`.
///
/// Outcome, the first that holds: `void` a control escaped (it was judged, and not as leaked: what
/// the other verdicts say is worth nothing then); `findings` there is one; `unverified` a cell or a
/// control could not be judged, there is no cell at all, or the audit was interrupted; `clean`.
void conclude(audit& done);

/// A control that was judged and not found leaking.
bool is_escaped(const report& r);

/// What a command that ran this audit ends with, interruption apart.
exit_code exit_of(const audit& done);

/// What a command that ran this one probe ends with: a control is clean when it was caught.
exit_code exit_of(const report& done);

} // namespace finwait::daemon
