#include "probe/subject/child.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace finwait::subject {
namespace {

using kernel::error_code;
constexpr auto as_result = net::as_tuple(net::use_awaitable);
constexpr std::size_t most_output_bytes = 64 * 1024;

error_code errno_code(int number)
{
    return {number, boost::system::system_category()};
}

struct pipe_ends
{
    kernel::unique_fd read;
    kernel::unique_fd write;
};

result<pipe_ends> make_pipe()
{
    std::array<int, 2> fds{};
    if (::pipe2(fds.data(), O_CLOEXEC) != 0)
        return errno_code(errno);
    return pipe_ends{kernel::unique_fd(fds[0]), kernel::unique_fd(fds[1])};
}

/// posix_spawn's attributes and file actions, freed at the end.
class spawn_rules
{
public:
    spawn_rules(int input, int output, std::optional<int> handed_down)
    {
        posix_spawnattr_init(&attributes_);
        sigset_t all;
        sigfillset(&all);
        sigset_t none;
        sigemptyset(&none);
        posix_spawnattr_setsigdefault(&attributes_, &all);
        posix_spawnattr_setsigmask(&attributes_, &none);
        posix_spawnattr_setpgroup(&attributes_, 0);
        posix_spawnattr_setflags(
            &attributes_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP
        );
        posix_spawn_file_actions_init(&actions_);
        posix_spawn_file_actions_adddup2(&actions_, input, 0);
        posix_spawn_file_actions_adddup2(&actions_, output, 1);
        posix_spawn_file_actions_adddup2(&actions_, output, 2);
        if (handed_down)
            posix_spawn_file_actions_adddup2(&actions_, *handed_down, 3);
        posix_spawn_file_actions_addclosefrom_np(&actions_, handed_down ? 4 : 3);
    }
    ~spawn_rules()
    {
        posix_spawnattr_destroy(&attributes_);
        posix_spawn_file_actions_destroy(&actions_);
    }
    spawn_rules(const spawn_rules&) = delete;
    spawn_rules& operator=(const spawn_rules&) = delete;

    const posix_spawnattr_t* attributes() const { return &attributes_; }
    const posix_spawn_file_actions_t* actions() const { return &actions_; }

private:
    posix_spawnattr_t attributes_{};
    posix_spawn_file_actions_t actions_{};
};

result<int> spawn(const std::vector<std::string>& command, const spawn_rules& rules)
{
    std::vector<char*> argv;
    argv.reserve(command.size() + 1);
    for (const auto& argument : command)
        argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    int pid = 0;
    const int failed =
        ::posix_spawn(&pid, argv[0], rules.actions(), rules.attributes(), argv.data(), environ);
    if (failed != 0)
        return errno_code(failed);
    return pid;
}

} // namespace

result<std::unique_ptr<child>>
child::start(net::io_context& io, std::vector<std::string> command, std::optional<int> handed_down)
{
    auto to_child = make_pipe();
    if (!to_child)
        return to_child.error();
    auto from_child = make_pipe();
    if (!from_child)
        return from_child.error();
    const spawn_rules rules(to_child->read.get(), from_child->write.get(), handed_down);
    const auto pid = spawn(command, rules);
    if (!pid)
        return pid.error();
    // glibc 2.36 declares pidfd_open() without extern "C". The descriptor is CLOEXEC:
    // pidfd_open(2).
    kernel::unique_fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0)));
    const int failed = pidfd ? 0 : errno;
    std::unique_ptr<child> born(new child(io, std::move(command), *pid, std::move(pidfd)));
    if (failed != 0)
        return errno_code(failed); // the destructor ends what was born
    born->input_ = std::move(to_child->write);
    ::fcntl(born->input_.get(), F_SETFL, O_NONBLOCK);
    born->from_.assign(from_child->read.release());
    return born;
}

child::child(
    net::io_context& io, std::vector<std::string> command, int pid, kernel::unique_fd pidfd
)
    : command_(std::move(command)), pid_(pid), pidfd_(std::move(pidfd)), from_(io)
{
}

bool child::tell(const std::string& line)
{
    const std::string text = line + "\n";
    return ::write(input_.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

net::awaitable<result<std::string>> child::read_line(std::chrono::steady_clock::duration limit)
{
    using namespace net::experimental::awaitable_operators;
    net::steady_timer timer(from_.get_executor(), limit);
    for (;;) {
        if (const auto newline = unread_.find('\n'); newline != std::string::npos) {
            std::string line = unread_.substr(0, newline);
            unread_.erase(0, newline + 1);
            co_return line;
        }
        std::array<char, 1024> bytes{};
        auto first = co_await (
            from_.async_read_some(net::buffer(bytes), as_result) || timer.async_wait(as_result)
        );
        if (first.index() == 1)
            co_return error_code(net::error::timed_out);
        const auto [failed, count] = std::get<0>(first);
        if (failed)
            co_return failed;
        unread_.append(bytes.data(), count);
        if (output_.size() < most_output_bytes)
            output_.append(bytes.data(), std::min(count, most_output_bytes - output_.size()));
    }
}

void child::end()
{
    if (pid_ == 0)
        return;
    // The group first, while its leader is unreaped and the number therefore still its own.
    ::kill(-pid_, SIGKILL);
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
}

} // namespace finwait::subject
