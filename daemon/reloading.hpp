// What a running daemon takes over of a configuration that was read again.
#pragma once

#include "daemon/config/load.hpp"
#include "web/backend.hpp"

#include <string>

namespace finwait::daemon {

/// The new configuration with what cannot change while the daemon runs as it is: listeners and the
/// place of the history; its warnings name what of that was changed. Pure.
configuration taken_over(configuration wanted, const configuration& running);

/// The refusal of a configuration: `bad_config`, with everything that is wrong. Pure.
web::problem refusal_of(const std::vector<config_error>& errors);

} // namespace finwait::daemon
