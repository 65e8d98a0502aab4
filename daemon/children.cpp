#include "daemon/children.hpp"

#include "probe/subject/family.hpp"
#include "probe/subject/spawn.hpp"

#include <algorithm>
#include <csignal>

#include <sys/prctl.h>
#include <unistd.h>

namespace finwait::daemon {

namespace {

std::vector<pid_t>& not_ours()
{
    static std::vector<pid_t> pids;
    return pids;
}

// Of some processes those that took the signal. Their groups get it first, since kill(2) of a group
// leaves out no process that is just being made; not ours, nor that of one who is left alone.
// EPERM: it became another user's (a set-user-ID program); waiting for it could take for ever.
template <class IsLeftAlone>
std::vector<pid_t> kill_all(const std::vector<pid_t>& doomed, IsLeftAlone is_left_alone)
{
    std::vector<pid_t> taken;
    for (const pid_t each : doomed) {
        const pid_t group = subject::state_of(each).group;
        if (group > 1 && group != ::getpgrp() && !is_left_alone(group))
            (void)::kill(-group, SIGKILL);
        if (::kill(each, SIGKILL) == 0)
            taken.push_back(each);
    }
    return taken;
}

} // namespace

void become_subreaper()
{
    int is_one = 0;
    if (::prctl(PR_GET_CHILD_SUBREAPER, &is_one, 0, 0, 0) == 0 && is_one != 0)
        return;
    not_ours() = children_of_self();
    (void)::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); // cannot fail: prctl(2), Linux 3.4
}

std::vector<pid_t> children_of_self()
{
    return subject::children_of(::getpid());
}

std::vector<pid_t> end_children(std::span<const pid_t> spare, std::chrono::milliseconds limit)
{
    const auto until = std::chrono::steady_clock::now() + limit;
    std::vector<pid_t> left_alone = not_ours();
    left_alone.insert(left_alone.end(), spare.begin(), spare.end());
    const auto is_left_alone = [&](pid_t pid) {
        return std::find(left_alone.begin(), left_alone.end(), pid) != left_alone.end();
    };
    for (;;) {
        auto doomed = children_of_self();
        std::erase_if(doomed, is_left_alone);
        const auto killed = kill_all(doomed, is_left_alone);
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        if (killed.empty() || left.count() <= 0)
            return doomed;
        // When a child is reaped its own children have already come to us.
        for (const pid_t pid : killed)
            (void)subject::reap(pid, left); // ignoring: it shows up again
    }
}

} // namespace finwait::daemon
