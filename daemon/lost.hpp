// Reports of probes that nobody could finish.
#pragma once

#include "probe/judge/judge.hpp"
#include "probe/model/report.hpp"
#include "web/json/json.hpp"

#include <string>

namespace finwait::daemon {

/// An `unverified` report with `why` as its reason, and all that follows from the plan alone (the
/// expectation, whether it is a control).
report lost_report(const plan& what, std::string id, judge::obstacle why);

/// The same of a line, which has its id and may have a client: the misuse of one is a control.
report lost_report(const json::plan_line& what, judge::obstacle why);

} // namespace finwait::daemon
