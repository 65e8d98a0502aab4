// Who sees to it that nothing of a worker outlives it or its parent.
#pragma once

#include <optional>

#include <sys/types.h>

namespace finwait::daemon {

/// Forks. This process stays behind as the keeper of its child, and ends when and as that ends; the
/// child returns from here, to be the worker, with the keeper's pid: its parent from now on.
/// nullopt: `parent` is not the parent, or no longer. Call it before anything that a fork would
/// double.
///
///     parent ──▶ keeper ──▶ worker ──▶ its clients ──▶ what those have started
///
/// The keeper does nothing but wait, so it can neither hang nor be busy. When the parent dies,
/// however that ends, or when it gets SIGTERM, SIGINT or SIGHUP itself, it kills everything below
/// it. Orphans come to it when the worker is gone (PR_SET_CHILD_SUBREAPER), also those that left
/// their group, session and environment. If the keeper is killed, the worker dies with it, and the
/// clients with the worker (PR_SET_PDEATHSIG); the orphans then come to the parent. Only where the
/// keeper and the parent are killed both, nobody is left to end those.
///
/// What tells it of the parent's death is SIGCONT, which also wakes a keeper that somebody stopped
/// (signal(7)).
std::optional<pid_t> be_kept(pid_t parent);

/// Ends this process, by SIGKILL, when its parent dies: also when it is stopped or busy
/// (prctl(2), PR_SET_PDEATHSIG). A change of credentials undoes it. False: the parent is another
/// one already.
bool die_with(pid_t parent);

} // namespace finwait::daemon
