// An audit for CI systems, as JUnit XML.
#pragma once

#include "probe/model/audit.hpp"

#include <string>

namespace finwait::daemon {

/// One testcase per report: a finding or an escaped control is a failure, an unverified cell an
/// error; what the environment cannot do is skipped. UTF-8; characters that XML 1.0 cannot hold
/// become U+FFFD.
std::string junit(const audit& done);

} // namespace finwait::daemon
