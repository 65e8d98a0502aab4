// Reports of probes that nobody could finish.
#pragma once

#include "probe/judge/judge.hpp"
#include "probe/model/report.hpp"

#include <string>

namespace finwait::daemon {

/// An `unverified` report with `why` as its reason, and all that follows from the plan alone (the
/// expectation, whether it is a control).
report lost_report(const plan& what, std::string id, judge::obstacle why);

} // namespace finwait::daemon
