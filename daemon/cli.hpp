// The command line.
#pragma once

namespace finwait::daemon {

/// Does what the arguments say and gives the exit status (daemon/exit_code.hpp). Never throws:
/// what goes wrong is said on standard error.
int run_command_line(int argc, const char* const* argv);

} // namespace finwait::daemon
