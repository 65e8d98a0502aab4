// The list of reports, whatever is asked for.
#pragma once

#include "daemon/history/sqlite.hpp"
#include "web/backend.hpp"

namespace finwait::daemon {

/// A page of reports, newest first. The time it takes depends on the limit and on how many kinds of
/// results there are (cells times outcomes), not on how many reports. At most 4 MiB, but one report
/// in any case. Throws sqlite_error.
web::page list_reports(database& from, const web::report_query& wanted);

} // namespace finwait::daemon
