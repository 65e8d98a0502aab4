#include "probe/subject/spawn.hpp"

#include "probe/kernel/system_error.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace finwait::subject {
namespace {

using kernel::errno_code;

std::vector<char*> pointers_to(std::vector<std::string>& words)
{
    std::vector<char*> out;
    out.reserve(words.size() + 1);
    for (std::string& each : words)
        out.push_back(each.data());
    out.push_back(nullptr);
    return out;
}

/// Where execvp(3) would look for a program, in order.
std::vector<std::string> places_of(const std::string& program)
{
    if (program.find('/') != std::string::npos)
        return {program};
    const char* const path = std::getenv("PATH");
    std::string_view rest = path != nullptr ? path : "/bin:/usr/bin";
    std::vector<std::string> out;
    for (;;) {
        const auto colon = rest.find(':');
        std::string folder(rest.substr(0, colon));
        out.push_back(folder.empty() ? program : folder.append("/").append(program));
        if (colon == std::string_view::npos)
            return out;
        rest.remove_prefix(colon + 1);
    }
}

/// All that the child needs, made before there is one: until it has exec'd it runs in this
/// process's memory and may allocate nothing.
struct preparation
{
    const spawn_order* what = nullptr;
    pid_t parent = 0;
    std::vector<char*> places; ///< ends with a null
    std::vector<char*> words;
    std::vector<char*> variables;
    sigset_t no_signals{};
    int failed = 0; ///< the child's errno
};

/// The stack of the child until it has exec'd; the kernel's exec paths need little.
class child_stack
{
public:
    child_stack()
        : base_(::mmap(
              nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0
          ))
    {
    }
    ~child_stack()
    {
        if (is_there())
            (void)::munmap(base_, bytes);
    }
    child_stack(const child_stack&) = delete;
    child_stack& operator=(const child_stack&) = delete;

    bool is_there() const { return base_ != MAP_FAILED; }
    void* top() const { return static_cast<char*>(base_) + bytes; }

private:
    static constexpr std::size_t bytes = std::size_t{64} * 1024;
    void* base_;
};

/// Nothing interrupts this thread while it lives, and so no handler runs in the child.
class undisturbed
{
public:
    undisturbed()
    {
        sigset_t all;
        (void)::sigfillset(&all);
        (void)::sigprocmask(SIG_SETMASK, &all, &before_);
    }
    ~undisturbed() { (void)::sigprocmask(SIG_SETMASK, &before_, nullptr); }
    undisturbed(const undisturbed&) = delete;
    undisturbed& operator=(const undisturbed&) = delete;

private:
    sigset_t before_{};
};

// The child, until it has exec'd. It shares our memory, so nothing that could be seen in it may be
// left behind but `failed`: a sanitizer's notes on its stack frames would be.

[[gnu::no_sanitize_address]] bool connect_streams(const spawn_order& what)
{
    const int standard[] = {what.input, what.output, what.error};
    for (int i = 0; i < 3; ++i) {
        // dup2(2) of one that is in its place already would leave it to be closed at exec.
        if (standard[i] == i && ::fcntl(i, F_SETFD, 0) != 0)
            return false;
        if (standard[i] >= 0 && standard[i] != i && ::dup2(standard[i], i) < 0)
            return false;
    }
    constexpr int first_free = STDERR_FILENO + 1;
    if (!what.handed_down) {
        ::closefrom(first_free);
        return true;
    }
    if (*what.handed_down == first_free ? ::fcntl(first_free, F_SETFD, 0) != 0
                                        : ::dup2(*what.handed_down, first_free) < 0)
        return false;
    // Whoever started us may have handed down more than ours, which have CLOEXEC.
    ::closefrom(first_free + 1);
    return true;
}

[[gnu::no_sanitize_address]] void forget_signals(const sigset_t* none)
{
    for (int number = 1; number < NSIG; ++number)
        (void)::signal(number, SIG_DFL); // ignoring: SIGKILL, SIGSTOP, and those of the library
    (void)::sigprocmask(SIG_SETMASK, none, nullptr);
}

/// Ends with this process's parent, however that ends, and whatever it is doing: prctl(2). A
/// program that is another user's by its file (set-user-ID) escapes that.
[[gnu::no_sanitize_address]] bool follow_into_death(pid_t parent)
{
    return ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 &&
           ::getppid() == parent; // it may have died before
}

/// As execvp(3) tries them, without its shell for files of no known format.
[[gnu::no_sanitize_address]] int
try_to_become(char* const* places, char* const* words, char* const* variables)
{
    int denied = 0;
    int last = ENOENT;
    for (; *places != nullptr; ++places) {
        (void)::execve(*places, words, variables);
        last = errno;
        if (last == EACCES)
            denied = last;
        else if (last != ENOENT && last != ENOTDIR && last != ENODEV && last != ESTALE && last != ETIMEDOUT)
            return last;
    }
    return denied != 0 ? denied : last;
}

[[gnu::no_sanitize_address]] int become(void* prepared)
{
    auto& with = *static_cast<preparation*>(prepared);
    const spawn_order& what = *with.what;
    if (!follow_into_death(with.parent))
        with.failed = ESRCH;
    else if ((what.which == leads::session ? ::setsid() : ::setpgid(0, 0)) < 0 ||
             !connect_streams(what) ||
             (!what.directory.empty() && ::chdir(what.directory.c_str()) != 0))
        with.failed = errno;
    else {
        forget_signals(&with.no_signals);
        with.failed = try_to_become(with.places.data(), with.words.data(), with.variables.data());
    }
    ::_exit(127);
}

/// Children that were started here and not reaped: their end is somebody's to see.
std::vector<pid_t>& started_here()
{
    static std::vector<pid_t> pids;
    return pids;
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
    const child_stack stack;
    if (!stack.is_there())
        return errno_code(errno);
    auto places = places_of(what.program);
    auto words = what.command;
    auto variables = what.environment;
    preparation with{
        .what = &what,
        .parent = ::getpid(),
        .places = pointers_to(places),
        .words = pointers_to(words),
        .variables = pointers_to(variables)};
    (void)::sigemptyset(&with.no_signals);
    int pidfd = -1;
    pid_t pid = -1;
    {
        const undisturbed now;
        constexpr int how = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD;
        pid = ::clone(become, stack.top(), how, &with, &pidfd);
    }
    if (pid < 0)
        return errno_code(errno);
    spawned out{.pid = pid, .pidfd = kernel::unique_fd(pidfd)};
    if (with.failed == 0) {
        started_here().push_back(pid);
        return out;
    }
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    return errno_code(with.failed);
}

bool is_started_here(pid_t pid)
{
    const auto& all = started_here();
    return std::find(all.begin(), all.end(), pid) != all.end();
}

std::optional<int> reap(pid_t pid, std::chrono::milliseconds limit)
{
    const auto until = std::chrono::steady_clock::now() + limit;
    for (;;) {
        int status = 0;
        const pid_t answer = ::waitpid(pid, &status, WNOHANG);
        if (answer != 0) { // also an error: it is not ours any more
            std::erase(started_here(), pid);
            return answer == pid ? status : 0;
        }
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        if (left.count() <= 0)
            return std::nullopt;
        const auto pidfd = open_pidfd(pid);
        if (!pidfd)
            return std::nullopt;
        pollfd its_end{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
        (void)::poll(&its_end, 1, static_cast<int>(left.count())); // EINTR: once more
    }
}

kernel::unique_fd open_pidfd(pid_t pid)
{
    // glibc 2.36 declares pidfd_open in sys/pidfd.h without extern "C".
    return kernel::unique_fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

} // namespace finwait::subject
