#include "daemon/children.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace finwait::daemon {

namespace {

std::vector<pid_t>& not_ours()
{
    static std::vector<pid_t> pids;
    return pids;
}

std::optional<pid_t> parent_of(const std::string& pid)
{
    std::ifstream file("/proc/" + pid + "/stat");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    // The command, in parentheses, may hold anything: count from the last one. proc(5)
    const auto end_of_command = text.rfind(')');
    if (end_of_command == std::string::npos || end_of_command + 4 > text.size())
        return std::nullopt;
    const char* const first = text.data() + end_of_command + 4; // ") S "
    pid_t parent = 0;
    if (std::from_chars(first, text.data() + text.size(), parent).ec != std::errc{})
        return std::nullopt;
    return parent;
}

std::vector<pid_t> children_by_scan()
{
    std::vector<pid_t> found;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
        const std::string name = entry.path().filename();
        pid_t pid = 0;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (error == std::errc{} && *end == '\0' && parent_of(name) == ::getpid())
            found.push_back(pid);
    }
    return found;
}

void reap(pid_t pid)
{
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
}

} // namespace

void become_subreaper()
{
    not_ours() = children_of_self();
    (void)::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); // cannot fail: prctl(2), Linux 3.4
}

std::vector<pid_t> children_of_self()
{
    std::vector<pid_t> found;
    std::error_code ignored;
    // A child belongs to the thread that started it; this program may have a resolver's thread.
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", ignored)) {
        std::ifstream file(task.path() / "children"); // CONFIG_PROC_CHILDREN
        if (!file)
            return children_by_scan();
        found.insert(found.end(), std::istream_iterator<pid_t>(file), {});
    }
    return found;
}

void end_children(std::span<const pid_t> spare)
{
    std::vector<pid_t> left_alone = not_ours();
    left_alone.insert(left_alone.end(), spare.begin(), spare.end());
    const auto is_left_alone = [&](pid_t pid) {
        return std::find(left_alone.begin(), left_alone.end(), pid) != left_alone.end();
    };
    for (;;) {
        auto doomed = children_of_self();
        // EPERM: it became another user's (a set-user-ID program); waiting for it could take for
        // ever.
        std::erase_if(doomed, [&](pid_t pid) {
            return is_left_alone(pid) || ::kill(pid, SIGKILL) != 0;
        });
        if (doomed.empty())
            return;
        // When a child is reaped its own children have already come to us.
        for (const pid_t pid : doomed)
            reap(pid);
    }
}

} // namespace finwait::daemon
