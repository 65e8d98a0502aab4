// Processes below this one: nothing that finwait started outlives it.
#pragma once

#include <chrono>
#include <span>
#include <vector>

#include <sys/types.h>

namespace finwait::daemon {

/// Makes this process the one that orphans among its descendants come to (PR_SET_CHILD_SUBREAPER,
/// prctl(2)). Children that it already has, from before an exec, are not finwait's and are left
/// alone by end_children(). Call it before the first child is started; again, it does nothing.
void become_subreaper();

/// The pids of this process's children, zombies too; in no order.
/// /proc/PID/task/TID/children, or all of /proc where the kernel lacks that file.
std::vector<pid_t> children_of_self();

/// Kills (SIGKILL) and reaps all children but `spare`, and then what comes to us from them, until
/// nothing is left. Blocks until they are gone, which for killed processes is a matter of
/// milliseconds. What `spare` names is neither killed nor reaped. Gives who is left all the same:
/// those that became another user's; after the limit also those that the kernel keeps waiting, and
/// the last of a program that starts processes faster than they can be killed.
std::vector<pid_t> end_children(
    std::span<const pid_t> spare, std::chrono::milliseconds limit = std::chrono::seconds(10)
);

} // namespace finwait::daemon
