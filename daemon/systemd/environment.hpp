// What the service manager says through the environment.
#pragma once

#include <cstdlib>
#include <string>

namespace finwait::daemon {

/// A variable's value, or an empty text; it is not in the environment any more, so that no child
/// takes itself for the one that was meant. Before threads start: getenv(3) and setenv(3).
inline std::string take_variable(const char* name)
{
    const char* const value = std::getenv(name);
    std::string out = value != nullptr ? value : "";
    (void)::unsetenv(name); // fails only for names that could be none
    return out;
}

} // namespace finwait::daemon
