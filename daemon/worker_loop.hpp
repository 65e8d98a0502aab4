// `finwait worker`: plans in, reports out.
#pragma once

#include "daemon/exit_code.hpp"
#include "probe/lab/lab.hpp"
#include "probe/run.hpp"

#include <optional>

#include <sys/types.h>

namespace finwait::daemon {

/// Whether a worker says first what its environment is.
enum class announce { nothing, environment };

/// What a worker is told on its command line.
struct worker_settings
{
    lab::wanted where = lab::wanted::namespaces;
    isolation how = isolation::each;
    unsigned in_flight = 64;
    announce first = announce::nothing;
    std::optional<address_policy> targets; ///< what targets may lead to; absent: anywhere
    /// In a session of its own, behind all other processes as long as that harms no verdict.
    bool is_courteous = false;
    std::optional<pid_t> parent; ///< end with that process, which started this one
};

/// Enters the lab and works: plans as NDJSON on standard input, reports and error objects as NDJSON
/// on standard output, as they finish. At most `in_flight` probes at once; more are not read.
///
/// Ends when standard input has ended and the probes in flight have reported (at most 20 s, what is
/// still unfinished then is reported as `unverified`), and at once, killing what it started, when
/// nobody reads its output any more, on SIGTERM, on SIGINT, and when its parent died.
///
/// Must be called before any thread is started (lab::place::enter()). A signal that ends it is
/// raised again with its default action, so that the caller's wait status shows it.
exit_code run_worker(const worker_settings& how);

} // namespace finwait::daemon
