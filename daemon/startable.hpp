// Whether a command can be started, told before anything else is done for it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace finwait::daemon {

/// Why a program cannot be started, and what would cure it; nullopt: nothing is known against it.
/// `name` is looked up as execvp(3) does, from `directory` (empty: the current one) and with that
/// PATH. A script's interpreter has to be there as well (execve(2)).
std::optional<std::string>
why_not_startable(const std::string& name, const std::string& directory, std::string_view path);

} // namespace finwait::daemon
