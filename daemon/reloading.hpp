// What a running daemon takes over of a configuration that was read again.
#pragma once

#include "daemon/config/load.hpp"
#include "web/backend.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace finwait::daemon {

/// The new configuration with what cannot change while the daemon runs as it is: listeners and the
/// place of the history; its warnings name what of that was changed. Pure.
configuration taken_over(configuration wanted, const configuration& running);

/// Puts a configuration in force by `take_over`. When that throws half way it is called once more,
/// with the one that was in force; gives why, then.
std::optional<std::string> put_in_force(
    configuration wanted, configuration before, const std::function<void(configuration)>& take_over
);

/// The refusal of a configuration: `bad_config`, with everything that is wrong. Pure.
web::problem refusal_of(const std::vector<config_error>& errors);

} // namespace finwait::daemon
