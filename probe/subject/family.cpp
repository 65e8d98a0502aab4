#include "probe/subject/family.hpp"

#include "probe/kernel/unique_fd.hpp"
#include "probe/subject/spawn.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <optional>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace finwait::subject {
namespace {

using std::chrono::steady_clock;

std::string in_proc(pid_t pid, std::string_view what)
{
    return "/proc/" + std::to_string(pid) + '/' + std::string(what);
}

/// nullopt: it cannot be opened. A process may end meanwhile (ESRCH), and then there is no more.
std::optional<std::string> read_whole(const std::string& file)
{
    const kernel::unique_fd from(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!from)
        return std::nullopt;
    std::string out;
    std::array<char, 4096> piece{};
    for (;;) {
        const auto got = ::read(from.get(), piece.data(), piece.size());
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return out;
        out.append(piece.data(), static_cast<std::size_t>(got));
    }
}

std::optional<pid_t> number_in(std::string_view name)
{
    pid_t number = 0;
    const auto [rest, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc{} || rest != name.data() + name.size())
        return std::nullopt;
    return number;
}

/// The numbers that a folder of /proc has entries for.
std::vector<pid_t> numbers_in(const std::string& folder)
{
    std::vector<pid_t> out;
    std::error_code failed;
    std::filesystem::directory_iterator at(folder, failed);
    for (; !failed && at != std::filesystem::directory_iterator(); at.increment(failed))
        if (const auto number = number_in(at->path().filename().native()))
            out.push_back(*number);
    return out;
}

/// The numbers after the command of /proc/PID/stat: ppid, pgrp, session; and the state before them.
/// The command, in parentheses, may hold anything: count from the last one.
struct stat_fields
{
    char state = 'X';
    std::array<pid_t, 3> numbers{};
};

std::optional<stat_fields> stat_of(pid_t pid)
{
    const auto stat = read_whole(in_proc(pid, "stat"));
    const auto after_name = stat ? stat->rfind(')') : std::string::npos;
    if (after_name == std::string::npos || stat->size() < after_name + 3)
        return std::nullopt;
    stat_fields out{.state = (*stat)[after_name + 2]};
    const char* at = stat->data() + after_name + 3;
    const char* const end = stat->data() + stat->size();
    for (pid_t& each : out.numbers) {
        at = std::find_if(at, end, [](char c) { return c != ' '; });
        at = std::from_chars(at, end, each).ptr;
    }
    return out;
}

void scan_for_children(pid_t parent, std::vector<pid_t>& out)
{
    for (const pid_t each : numbers_in("/proc"))
        if (const auto fields = stat_of(each); fields && fields->numbers[0] == parent)
            out.push_back(each);
}

/// Whether a process that shows no environment may have one: in the middle of execve(2) the new
/// memory has no env_end yet, and only a little earlier no arg_end (fs/proc/base.c, fs/binfmt_elf.c
/// create_elf_tables()). A kernel thread has neither, and no program.
bool may_be_between_programs(pid_t pid, int times_seen)
{
    constexpr int enough_with_arguments = 3;
    constexpr int enough = 500;
    std::error_code failed;
    const auto program = std::filesystem::read_symlink(in_proc(pid, "exe"), failed);
    const auto arguments = read_whole(in_proc(pid, "cmdline"));
    const bool has_arguments = arguments && !arguments->empty();
    return !failed && state_of(pid).alive &&
           times_seen < (has_arguments ? enough_with_arguments : enough);
}

/// Its environment, once it has one. nullopt: it cannot be read, or the process has ended.
std::optional<std::string> environment_of(pid_t pid)
{
    auto own = read_whole(in_proc(pid, "environ"));
    for (int times = 0; own && own->empty() && may_be_between_programs(pid, times); ++times) {
        (void)::poll(nullptr, 0, /*timeout=*/1); // nothing tells the end of another's execve(2)
        own = read_whole(in_proc(pid, "environ"));
    }
    return own;
}

bool has_mark(pid_t pid, const std::string& mark)
{
    const auto own = environment_of(pid);
    if (!own)
        return false;
    const std::string entry = '\0' + std::string(mark_name) + '=' + mark + '\0';
    return ('\0' + *own + '\0').find(entry) != std::string::npos;
}

bool is_in(const std::string& network, pid_t pid)
{
    std::error_code failed;
    return !network.empty() &&
           std::filesystem::read_symlink(in_proc(pid, "ns/net"), failed) == network;
}

bool is_known_by_itself(const family& whose, pid_t pid, const process_state& now)
{
    return now.session == whose.head || is_in(whose.network, pid) || has_mark(pid, whose.mark);
}

/// Adds what is below the processes from that index on, which are in the list themselves. Of a
/// program that starts processes without end the rest is found once these are gone.
void add_descendants(std::vector<pid_t>& out, std::size_t from)
{
    constexpr std::size_t most = 20'000;
    for (std::size_t i = from; i < out.size() && out.size() < most; ++i) {
        const auto below = children_of(out[i]);
        out.insert(out.end(), below.begin(), below.end());
    }
}

/// Of a process that has come to us, and of what is below it, those that are the family's. What is
/// below a member is one as well.
void add_members_of(const family& whose, pid_t orphan, std::vector<pid_t>& out)
{
    std::vector<pid_t> all{orphan};
    add_descendants(all, 0);
    const auto first = std::ranges::find_if(all, [&](pid_t each) {
        const auto now = state_of(each);
        return now.alive && is_known_by_itself(whose, each, now);
    });
    out.insert(out.end(), first, all.end());
}

bool is_subreaper()
{
    int answer = 0;
    return ::prctl(PR_GET_CHILD_SUBREAPER, &answer, 0, 0, 0) == 0 && answer != 0;
}

std::vector<pid_t> members_in_proc(const family& whose)
{
    std::vector<pid_t> out;
    for (const pid_t each : numbers_in("/proc"))
        if (const auto now = state_of(each); now.alive && is_known_by_itself(whose, each, now))
            out.push_back(each);
    return out;
}

std::vector<pid_t> members_below_us(const family& whose)
{
    std::vector<pid_t> out{whose.head};
    add_descendants(out, 0);
    for (const pid_t each : children_of(::getpid()))
        if (!is_started_here(each)) // another program, or a client of finwait's own
            add_members_of(whose, each, out);
    return out;
}

/// Orphans come to a subreaper, and nobody else sees their end.
void reap_orphans()
{
    for (const pid_t each : children_of(::getpid()))
        if (!is_started_here(each))
            (void)::waitpid(each, nullptr, WNOHANG); // ignoring: it lives, or is another's
}

/// Sends every group that a member is in a signal; the group is within the session of a member, and
/// so the family's alone. kill(2) of a group leaves out no process that is just being made.
/// Gives those that took it.
std::vector<std::int32_t> signal_all(const std::vector<std::int32_t>& members, int number)
{
    std::vector<std::int32_t> taken;
    for (const auto each : members) {
        const pid_t group = state_of(each).group;
        if (group > 1 && group != ::getpgrp())
            (void)::kill(-group, number); // ignoring: the one below counts
        if (::kill(each, number) == 0)
            taken.push_back(each);
    }
    return taken;
}

bool any_runs(const std::vector<std::int32_t>& members)
{
    return std::ranges::any_of(members, [](auto each) {
        const auto now = state_of(each);
        return now.alive && !now.stopped;
    });
}

void await_ends_of(const std::vector<std::int32_t>& killed, steady_clock::time_point until)
{
    for (const auto each : killed) {
        const auto pidfd = open_pidfd(each);
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now()).count();
        pollfd its_end{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
        if (pidfd && left > 0)
            (void)::poll(&its_end, 1, static_cast<int>(left));
    }
}

/// One that is just doing something else stops a little later, or never (state D).
constexpr int rounds_of_stopping = 8;

} // namespace

process_state state_of(pid_t pid)
{
    const auto fields = stat_of(pid);
    if (!fields)
        return {};
    const char state = fields->state;
    return {
        .is_there = true,
        .alive = state != 'Z' && state != 'X',
        .stopped = state == 'T' || state == 't',
        .group = fields->numbers[1],
        .session = fields->numbers[2]};
}

std::vector<pid_t> children_of(pid_t pid)
{
    static const bool are_listed = ::access("/proc/thread-self/children", R_OK) == 0;
    std::vector<pid_t> out;
    if (!are_listed) {
        scan_for_children(pid, out);
        return out;
    }
    // A child belongs to the thread that started it.
    for (const pid_t thread : numbers_in(in_proc(pid, "task"))) {
        const auto list = read_whole(in_proc(pid, "task/" + std::to_string(thread) + "/children"));
        std::string_view rest = list ? std::string_view(*list) : std::string_view();
        while (!rest.empty()) {
            const auto space = rest.find(' ');
            if (const auto child = number_in(rest.substr(0, space)))
                out.push_back(*child);
            rest.remove_prefix(space == std::string_view::npos ? rest.size() : space + 1);
        }
    }
    return out;
}

std::vector<std::int32_t> members_of(const family& whose)
{
    auto out = is_subreaper() ? members_below_us(whose) : members_in_proc(whose);
    // A moment ago this process may have been in that namespace as well.
    std::erase_if(out, [](pid_t each) { return each == ::getpid() || !state_of(each).alive; });
    std::ranges::sort(out);
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

std::vector<std::int32_t> end_family(const family& whose, std::chrono::milliseconds limit)
{
    const auto until = steady_clock::now() + limit;
    // The usual case needs no more: its number is its own while it is a zombie.
    (void)::kill(-whose.head, SIGKILL);
    auto left = members_of(whose);
    for (int round = 0; round < rounds_of_stopping && any_runs(left); ++round) {
        (void)signal_all(left, SIGSTOP);
        left = members_of(whose);
    }
    while (!left.empty() && steady_clock::now() < until) {
        await_ends_of(signal_all(left, SIGKILL), until);
        reap_orphans();
        left = members_of(whose);
    }
    reap_orphans();
    return left;
}

} // namespace finwait::subject
