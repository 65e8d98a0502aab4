#include "probe/subject/spawn.hpp"

#include "probe/kernel/system_error.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace finwait::subject {
namespace {

using kernel::errno_code;

/// posix_spawn's attributes and file actions, freed at the end.
class spawn_rules
{
public:
    explicit spawn_rules(const spawn_order& what)
    {
        (void)::posix_spawnattr_init(&attributes_);
        (void)::posix_spawn_file_actions_init(&actions_);
        forget_signals();
        set_group(what.which);
        connect(what);
    }
    ~spawn_rules()
    {
        (void)::posix_spawnattr_destroy(&attributes_);
        (void)::posix_spawn_file_actions_destroy(&actions_);
    }
    spawn_rules(const spawn_rules&) = delete;
    spawn_rules& operator=(const spawn_rules&) = delete;

    const posix_spawnattr_t* attributes() const { return &attributes_; }
    const posix_spawn_file_actions_t* actions() const { return &actions_; }

private:
    void forget_signals()
    {
        sigset_t none;
        sigset_t all;
        (void)::sigemptyset(&none);
        (void)::sigfillset(&all);
        (void)::posix_spawnattr_setsigmask(&attributes_, &none);
        (void)::posix_spawnattr_setsigdefault(&attributes_, &all);
    }

    void set_group(leads which)
    {
        (void)::posix_spawnattr_setpgroup(&attributes_, 0);
        const int group =
            which == leads::session ? int{POSIX_SPAWN_SETSID} : int{POSIX_SPAWN_SETPGROUP};
        const int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | group;
        (void)::posix_spawnattr_setflags(&attributes_, static_cast<short>(flags));
    }

    void connect(const spawn_order& what)
    {
        const std::array<int, 3> standard{what.input, what.output, what.error};
        for (std::size_t i = 0; i < standard.size(); ++i)
            if (standard[i] >= 0)
                (void
                )::posix_spawn_file_actions_adddup2(&actions_, standard[i], static_cast<int>(i));
        int first_to_close = STDERR_FILENO + 1;
        if (what.handed_down)
            (void
            )::posix_spawn_file_actions_adddup2(&actions_, *what.handed_down, first_to_close++);
        // Whoever started us may have handed down more than ours, which have CLOEXEC.
        (void)::posix_spawn_file_actions_addclosefrom_np(&actions_, first_to_close);
        if (!what.directory.empty())
            (void)::posix_spawn_file_actions_addchdir_np(&actions_, what.directory.c_str());
    }

    posix_spawnattr_t attributes_{};
    posix_spawn_file_actions_t actions_{};
};

std::vector<char*> pointers_to(std::vector<std::string>& words)
{
    std::vector<char*> out;
    out.reserve(words.size() + 1);
    for (std::string& each : words)
        out.push_back(each.data());
    out.push_back(nullptr);
    return out;
}

/// pidfd_open(2); CLOEXEC. glibc 2.36 declares it in sys/pidfd.h without extern "C".
kernel::unique_fd open_pidfd(pid_t pid)
{
    return kernel::unique_fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

void end_at_once(pid_t pid)
{
    (void)::kill(pid, SIGKILL);
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
}

bool sets(std::string_view entry, std::string_view name)
{
    return entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=';
}

} // namespace

result<pipe_ends> make_pipe()
{
    std::array<int, 2> fds{};
    if (::pipe2(fds.data(), O_CLOEXEC) != 0)
        return errno_code(errno);
    return pipe_ends{kernel::unique_fd(fds[0]), kernel::unique_fd(fds[1])};
}

environment_block own_environment()
{
    environment_block out;
    for (char** each = environ; *each != nullptr; ++each)
        out.emplace_back(*each);
    return out;
}

void set_variable(environment_block& block, std::string_view name, std::string_view value)
{
    remove_variable(block, name);
    block.push_back(std::string(name) + '=' + std::string(value));
}

void remove_variable(environment_block& block, std::string_view name)
{
    std::erase_if(block, [&](const std::string& entry) { return sets(entry, name); });
}

result<spawned> spawn(const spawn_order& what)
{
    const spawn_rules rules(what);
    auto words = what.command;
    auto variables = what.environment;
    spawned out;
    const int failed = ::posix_spawnp(
        &out.pid,
        what.program.c_str(),
        rules.actions(),
        rules.attributes(),
        pointers_to(words).data(),
        pointers_to(variables).data()
    );
    if (failed != 0)
        return errno_code(failed);
    out.pidfd = open_pidfd(out.pid);
    if (out.pidfd)
        return out;
    const int why = errno;
    end_at_once(out.pid);
    return errno_code(why);
}

} // namespace finwait::subject
