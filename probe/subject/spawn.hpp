// Starting a program: default signal actions, an empty mask, no descriptor but those it is given.
#pragma once

#include "probe/kernel/sock_diag.hpp"
#include "probe/kernel/unique_fd.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace finwait::subject {

using kernel::result;

/// The two ends of a pipe, both CLOEXEC.
struct pipe_ends
{
    kernel::unique_fd read;
    kernel::unique_fd write;
};

/// Errors: those of pipe2(2), such as EMFILE.
result<pipe_ends> make_pipe();

/// `NAME=VALUE` each.
using environment_block = std::vector<std::string>;

/// This process's own.
environment_block own_environment();

/// Sets NAME in the block, replacing what it was.
void set_variable(environment_block& block, std::string_view name, std::string_view value);

/// Takes NAME out of the block; harmless when it is not there.
void remove_variable(environment_block& block, std::string_view name);

/// Whose group the new process leads.
enum class leads { process_group, session };

/// What to start, and how. The descriptors stay the caller's.
struct spawn_order
{
    std::string program;              ///< a path, or a name to be found in PATH
    std::vector<std::string> command; ///< argv, its own name first
    environment_block environment;    ///< the whole of it
    std::string directory;            ///< to start in; empty: the caller's
    int input = -1;                   ///< becomes descriptor 0; -1: the caller's own
    int output = -1;                  ///< becomes 1
    int error = -1;                   ///< becomes 2
    std::optional<int> handed_down;   ///< becomes 3
    leads which = leads::process_group;
};

struct spawned
{
    pid_t pid = 0;
    kernel::unique_fd pidfd;
};

/// Starts it. The parent stands still until the child has exec'd (clone(2): CLONE_VM |
/// CLONE_VFORK), so no copy of a socket exists in between that would fake a leak; it is born in the
/// network namespace that the calling thread is in. It dies with the calling thread, however that
/// ends, unless what it becomes is a set-user-ID program (PR_SET_PDEATHSIG, prctl(2)); what it
/// starts itself does not: orphans come to the nearest subreaper. Errors: those of clone(2)
/// (EAGAIN, ENOMEM, EMFILE), of execve(2) (ENOENT, EACCES, ENOEXEC, E2BIG) and of chdir(2) for the
/// directory, after which no child is left.
result<spawned> spawn(const spawn_order& what);

/// Whether a child was started by spawn() and is not reaped: whose end somebody wants to see.
bool is_started_here(pid_t pid);

/// pidfd_open(2), CLOEXEC; empty when there is no such process, or no descriptor left.
kernel::unique_fd open_pidfd(pid_t pid);

/// The wait status of a child that has ended or is about to, which is then reaped; 0 of one that is
/// no child of ours any more. nullopt: it had not ended by the limit, which even SIGKILL cannot
/// promise of a process that the kernel keeps waiting. Blocks until then.
std::optional<int> reap(pid_t pid, std::chrono::milliseconds limit);

} // namespace finwait::subject
