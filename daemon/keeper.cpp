#include "daemon/keeper.hpp"

#include "daemon/children.hpp"
#include "daemon/output.hpp"
#include "daemon/process_setup.hpp"

#include <fmt/format.h>

#include <array>
#include <csignal>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace finwait::daemon {

namespace {

constexpr std::array awaited{SIGCHLD, SIGCONT, SIGTERM, SIGINT, SIGHUP};

sigset_t set_of_awaited()
{
    sigset_t out;
    (void)::sigemptyset(&out);
    for (const int each : awaited)
        (void)::sigaddset(&out, each);
    return out;
}

// The input is the worker's alone. The output stays open here, so that its end is told by no more
// than the end of both.
void let_go_of_descriptors()
{
    const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (nothing < 0 || ::dup2(nothing, STDIN_FILENO) < 0)
        (void)::close(STDIN_FILENO);
    ::closefrom(STDERR_FILENO + 1);
}

void end_all()
{
    if (const auto left = end_children({}); !left.empty())
        complain(fmt::format("{} processes cannot be ended, among them {}", left.size(), left[0]));
}

// As the worker ended, so that the parent's wait status tells of it. It has dumped its core itself.
[[noreturn]] void end_as(int status)
{
    const rlimit none{};
    (void)::setrlimit(RLIMIT_CORE, &none);
    if (WIFSIGNALED(status))
        die_by(WTERMSIG(status));
    ::_exit(WEXITSTATUS(status));
}

// All children that have ended are reaped: the orphans too. Ends when the worker is among them.
void see_who_ended(pid_t worker)
{
    for (;;) {
        int status = 0;
        const pid_t ended = ::waitpid(-1, &status, WNOHANG);
        if (ended <= 0)
            return;
        if (ended != worker)
            continue;
        end_all();
        end_as(status);
    }
}

[[noreturn]] void keep(pid_t worker, pid_t parent, const sigset_t& signals)
{
    let_go_of_descriptors();
    for (;;) {
        const int number = ::sigwaitinfo(&signals, nullptr);
        if (number == SIGCHLD)
            see_who_ended(worker);
        const bool is_told = number == SIGTERM || number == SIGINT || number == SIGHUP;
        if (is_told || ::getppid() != parent) {
            end_all();
            die_by(is_told ? number : SIGTERM);
        }
    }
}

} // namespace

bool die_with(pid_t parent)
{
    return ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 &&
           ::getppid() == parent; // it may have died before
}

std::optional<pid_t> be_kept(pid_t parent)
{
    const sigset_t signals = set_of_awaited();
    sigset_t before;
    (void)::sigprocmask(SIG_BLOCK, &signals, &before);
    become_subreaper();
    (void)::prctl(PR_SET_PDEATHSIG, SIGCONT, 0, 0, 0);
    if (::getppid() != parent)
        return std::nullopt;
    const pid_t keeper = ::getpid();
    const pid_t worker = ::fork();
    if (worker > 0)
        keep(worker, parent, signals);
    (void)::sigprocmask(SIG_SETMASK, &before, nullptr);
    if (worker < 0 || !die_with(keeper))
        return std::nullopt;
    return keeper;
}

} // namespace finwait::daemon
