// How the program ends, for scripts and schedulers.
#pragma once

namespace finwait::daemon {

/// The exit statuses of every command. 74 and 75 are sysexits.h's EX_IOERR and EX_TEMPFAIL.
enum class exit_code : int {
    clean = 0,        ///< everything as expected
    finding = 1,      ///< leaked, or other than expected
    usage = 2,        ///< wrong usage or configuration
    unjudged = 3,     ///< could not be judged: void, unverified, an escaped control
    output = 74,      ///< the output could not be written
    unreachable = 75, ///< the daemon cannot be reached
    interrupted = 130 ///< SIGINT, as a shell reports it
};

} // namespace finwait::daemon
