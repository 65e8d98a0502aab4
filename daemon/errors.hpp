// What ends a command before its work is done. Thrown at start-up and by the output, caught in
// run_command_line(); nothing a network or a kernel does travels this way.
#pragma once

#include <stdexcept>

namespace finwait::daemon {

/// Wrong usage or configuration: exit 2. The text says what would be right.
struct usage_error : std::runtime_error
{
    using std::runtime_error::runtime_error;
};

/// Standard output, or a file asked for, cannot be written: exit 74.
struct output_error : std::runtime_error
{
    using std::runtime_error::runtime_error;
};

} // namespace finwait::daemon
