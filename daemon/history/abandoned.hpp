// Audits whose end nobody told: the daemon was killed.
#pragma once

#include "daemon/history/sqlite.hpp"
#include "probe/model/audit.hpp"

#include <string_view>

namespace finwait::daemon {

/// An audit as far as its stored reports tell, interrupted, without the reports. It took until the
/// start of the last of them. Throws sqlite_error.
audit as_interrupted(database& from, std::string_view id);

} // namespace finwait::daemon
