// The configuration as it is in force, for people.
#pragma once

#include "daemon/config/configuration.hpp"

#include <string>

namespace finwait::daemon {

/// As a file that load() reads to the same configuration, defaults written out. There is no secret
/// in a configuration (the token is a credential of systemd's).
std::string to_toml(const configuration& what);

} // namespace finwait::daemon
