// The documents of the daemon: its status, lists, problems.
#pragma once

#include "web/backend.hpp"
#include "web/json/json.hpp"
#include "web/problem.hpp"
#include "web/status.hpp"

namespace finwait::json {

/// Whether a status has its `self`, which changes without anything having happened.
enum class self_part { with, without };

/// `finwait.status/1`.
std::string dump(const service_status& what, self_part self = self_part::with);

/// The inverse, for whoever asks a daemon. Keys that it does not know are passed over, since the
/// daemon may be newer.
parsed<service_status> parse_status(std::string_view text);

/// `finwait.audits/1`.
std::string dump(const web::page& what);

/// application/problem+json. `instance` is the path asked for, or empty: it was not checked yet.
std::string dump(const web::problem& what, std::string_view instance);

} // namespace finwait::json
