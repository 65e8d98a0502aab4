#include "probe/lab/namespaces.hpp"

#include "probe/kernel/capabilities.hpp"
#include "probe/kernel/system_error.hpp"
#include "probe/lab/loopback.hpp"

#include <charconv>
#include <system_error>

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/wait.h>

namespace finwait::lab {

using kernel::unique_fd;

namespace {

/// Writes a whole small file of /proc; false when it is refused.
bool write_file(const char* path, const std::string& text)
{
    const unique_fd file(open(path, O_WRONLY | O_CLOEXEC));
    return file && write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

/// Every id stays what it was: a subject keeps its uid. One line, which needs no right, as long as
/// setgroups(2) is given up first; user_namespaces(7). Ignoring a refusal: only the display of ids
/// suffers (root without CAP_SETFCAP may not map 0).
void map_identity(uid_t user, gid_t group)
{
    const auto line = [](unsigned id) {
        return std::to_string(id) + " " + std::to_string(id) + " 1\n";
    };
    (void)write_file("/proc/self/setgroups", "deny");
    (void)write_file("/proc/self/uid_map", line(user));
    (void)write_file("/proc/self/gid_map", line(group));
}

std::optional<refusal> bring_loopback_up()
{
    if (auto up = set_loopback_up(); !up)
        return refusal{step::loopback_up, up.error().value()};
    return std::nullopt;
}

std::optional<refusal> enter_user_namespace()
{
    const uid_t user = geteuid();
    const gid_t group = getegid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        return refusal{step::user_namespace, errno};
    map_identity(user, group);
    return bring_loopback_up();
}

/// The refusal that the child wrote; one of the trial itself when it wrote none.
std::optional<refusal> told_by(int child, const unique_fd& from)
{
    refusal told{step::trial, ECHILD};
    const ssize_t size = read(from.get(), &told, sizeof told);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (size == sizeof told)
        return told;
    const bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return clean ? std::nullopt : std::optional(refusal{step::trial, ECHILD});
}

/// Whether a user namespace would do, found out by a child that is thrown away.
std::optional<refusal> try_user_namespace()
{
    int ends[2] = {-1, -1};
    if (pipe2(ends, O_CLOEXEC) != 0)
        return refusal{step::trial, errno};
    const unique_fd read_end(ends[0]);
    unique_fd write_end(ends[1]);
    const pid_t child = fork();
    if (child < 0)
        return refusal{step::trial, errno};
    if (child == 0) {
        const auto refused = enter_user_namespace();
        if (refused)
            (void)!write(write_end.get(), &*refused, sizeof *refused);
        _exit(refused ? 1 : 0);
    }
    write_end.reset();
    return told_by(child, read_end);
}

std::optional<refusal> enter_network_namespace()
{
    const auto home = current_network();
    if (!home)
        return refusal{step::network_namespace, home.error().value()};
    if (unshare(CLONE_NEWNET) != 0)
        return refusal{step::network_namespace, errno};
    auto refused = bring_loopback_up();
    if (refused && setns(home->get(), CLONE_NEWNET) != 0)
        throw std::system_error(errno, std::generic_category(), "setns home");
    return refused;
}

/// The number in a file of /proc/sys; nullopt when there is none.
std::optional<int> setting(const char* path)
{
    const unique_fd file(open(path, O_RDONLY | O_CLOEXEC));
    char text[32] = {};
    const ssize_t size = file ? read(file.get(), text, sizeof text) : -1;
    int value = 0;
    if (size <= 0 || std::from_chars(text, text + size, value).ec != std::errc{})
        return std::nullopt;
    return value;
}

} // namespace

std::optional<refusal> enter_namespaces()
{
    const auto rights = kernel::effective_capabilities();
    if (kernel::has_capability(rights, CAP_SYS_ADMIN) &&
        kernel::has_capability(rights, CAP_NET_ADMIN) && !enter_network_namespace())
        return std::nullopt;
    if (auto refused = try_user_namespace())
        return refused;
    return enter_user_namespace();
}

refusing_settings read_refusing_settings()
{
    refusing_settings found;
    found.max_user_namespaces = setting("/proc/sys/user/max_user_namespaces");
    found.max_net_namespaces = setting("/proc/sys/user/max_net_namespaces");
    found.unprivileged_userns_clone = setting("/proc/sys/kernel/unprivileged_userns_clone");
    found.apparmor_restrict_userns =
        setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns");
    return found;
}

boost::system::result<unique_fd> current_network()
{
    unique_fd opened(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!opened)
        return kernel::last_error();
    return opened;
}

boost::system::result<unique_fd> fresh_network(int home)
{
    if (unshare(CLONE_NEWNET) != 0)
        return kernel::last_error();
    auto made = current_network();
    if (made)
        if (auto up = set_loopback_up(); !up)
            made = up.error();
    if (setns(home, CLONE_NEWNET) != 0)
        throw std::system_error(errno, std::generic_category(), "setns home");
    return made;
}

} // namespace finwait::lab
