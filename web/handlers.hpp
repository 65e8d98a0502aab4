// One function per operation. Each reads its query or body, asks the backend and says what it got.
#pragma once

#include "web/json/json.hpp"
#include "web/routes.hpp"

namespace finwait::web {

// The daemon itself: handlers_daemon.cpp

/// 200 and "ok" as long as the event loop turns.
reaction get_livez(const request& wanted, const surroundings& with);
/// 200 or 503; with `?verbose` a line per check.
reaction get_readyz(const request& wanted, const surroundings& with);
/// Text 0.0.4, or OpenMetrics 1.0 for whoever prefers it.
reaction get_metrics(const request& wanted, const surroundings& with);
/// With an ETag over everything but `self`; 304 when it matches. `?index=N&wait=30s`: once the
/// index is not N, or the time is over; `?wait_for=pass&timeout=30s`: once the status is that good.
reaction get_status(const request& wanted, const surroundings& with);
reaction get_config(const request& wanted, const surroundings& with);
reaction post_reload(const request& wanted, const surroundings& with);
reaction get_events(const request& wanted, const surroundings& with);
reaction get_openapi(const request& wanted, const surroundings& with);
reaction get_schema(const request& wanted, const surroundings& with);

// What was found: handlers_findings.cpp. Lists are tables for whoever prefers text/plain.

reaction get_audits(const request& wanted, const surroundings& with);
reaction get_latest_audit(const request& wanted, const surroundings& with);
reaction get_audit(const request& wanted, const surroundings& with);
reaction get_diff(const request& wanted, const surroundings& with);
reaction get_matrix(const request& wanted, const surroundings& with);
reaction get_reports(const request& wanted, const surroundings& with);
reaction get_report(const request& wanted, const surroundings& with);
reaction get_report_log(const request& wanted, const surroundings& with);
reaction get_findings(const request& wanted, const surroundings& with);
reaction get_probe(const request& wanted, const surroundings& with);
reaction get_subjects(const request& wanted, const surroundings& with);
reaction get_targets(const request& wanted, const surroundings& with);

/// What a body was refused for, with the place in it.
answer invalid_body(const request& wanted, const json::parse_error& why);

// What is to be done: handlers_orders.cpp. 202 and Location; 200 when `Prefer: wait=N` sufficed.

reaction post_audit(const request& wanted, const surroundings& with);
reaction delete_audit(const request& wanted, const surroundings& with);
reaction post_probe(const request& wanted, const surroundings& with);
reaction delete_probe(const request& wanted, const surroundings& with);

} // namespace finwait::web
