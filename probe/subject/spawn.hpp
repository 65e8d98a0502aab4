// Starting a program: default signal actions, an empty mask, no descriptor but those it is given.
#pragma once

#include "probe/kernel/sock_diag.hpp"
#include "probe/kernel/unique_fd.hpp"

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

/// Starts it. The parent stands still until the child has exec'd (posix_spawn(3): CLONE_VM |
/// CLONE_VFORK), so no copy of a socket exists in between that would fake a leak; it is born in the
/// network namespace that the calling thread is in. Errors: those of posix_spawnp(3) (ENOENT,
/// EACCES, E2BIG, EAGAIN, ENOMEM), of chdir(2) for the directory, and of pidfd_open(2), after which
/// no child is left.
result<spawned> spawn(const spawn_order& what);

} // namespace finwait::subject
