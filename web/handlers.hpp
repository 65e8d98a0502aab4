// One function per route. Each reads its query, asks the backend and says what it got.
#pragma once

#include "web/routes.hpp"

namespace finwait::web {

/// 200 and "ok" as long as the event loop turns.
answer get_livez(const request& wanted, const backend& from);
/// 200 or 503; with `?verbose` a line per check.
answer get_readyz(const request& wanted, const backend& from);
/// With an ETag over everything but `self`; 304 when it matches.
answer get_status(const request& wanted, const backend& from);
answer get_audits(const request& wanted, const backend& from);
answer get_latest_audit(const request& wanted, const backend& from);
answer get_audit(const request& wanted, const backend& from);
answer get_report(const request& wanted, const backend& from);
answer get_matrix(const request& wanted, const backend& from);

} // namespace finwait::web
