// Who belongs to a program that was started here: its descendants, wherever they have gone.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace finwait::subject {

/// The variable by whose value the descendants of one program know each other.
constexpr std::string_view mark_name = "FINWAIT_PROBE";

/// What a process is, from /proc/PID/stat, proc_pid_stat(5).
struct process_state
{
    bool is_there = false; ///< also as a zombie
    bool alive = false;
    bool stopped = false; ///< T or t: signals but SIGKILL and SIGCONT wait until it is continued
    pid_t group = 0;
    pid_t session = 0;
};
process_state state_of(pid_t pid);

/// By what the members of a family are known, when they are no longer below its head.
struct family
{
    pid_t head = 0;      ///< the program that was started, leader of its session
    std::string mark;    ///< of mark_name
    std::string network; ///< as /proc/PID/ns/net says it; empty: others are in it as well
};

/// The pids of a process's children, zombies too; in no order. /proc/PID/task/TID/children, or all
/// of /proc where the kernel lacks that file (CONFIG_PROC_CHILDREN).
std::vector<pid_t> children_of(pid_t pid);

/// The living members, in ascending order. Where this process is a subreaper its own descendants
/// are looked through, since nobody of the family can be anywhere else (PR_SET_CHILD_SUBREAPER,
/// prctl(2)); otherwise all of /proc, which takes longer by what else runs on the machine.
std::vector<std::int32_t> members_of(const family& whose);

/// Kills all members with SIGKILL, reaps those that came to this process, and with them whatever
/// else did and was not started here. The head is killed and stays a zombie. They are stopped
/// first, so that none of them makes another meanwhile. Gives who is left after the limit: one that
/// became another user's, one that the kernel keeps waiting, or offspring of a program that starts
/// processes faster than they can be found. Blocks until then.
///
/// No limit on processes (RLIMIT_NPROC) is set against the last ones: it counts all of a user's,
/// does not hold for root, and would be inherited by the program that is measured.
std::vector<std::int32_t> end_family(const family& whose, std::chrono::milliseconds limit);

} // namespace finwait::subject
