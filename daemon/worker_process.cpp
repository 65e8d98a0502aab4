#include "daemon/worker_process.hpp"

#include "daemon/line_splitter.hpp"
#include "probe/kernel/unique_fd.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace finwait::daemon {

namespace {

using boost::system::error_code;
using boost::system::result;
using kernel::unique_fd;
using descriptor = net::posix::stream_descriptor;

// A report is a few kB; what a subject printed in it is bounded.
constexpr std::size_t longest_line = 4 * 1024 * 1024;

error_code from_errno(int number)
{
    return {number, boost::system::system_category()};
}

struct pipe_ends
{
    unique_fd read;
    unique_fd write;
};

result<pipe_ends> make_pipe()
{
    std::array<int, 2> fds{};
    if (::pipe2(fds.data(), O_CLOEXEC) != 0)
        return from_errno(errno);
    return pipe_ends{unique_fd(fds[0]), unique_fd(fds[1])};
}

std::vector<std::string> command_line(const worker_options& how)
{
    std::vector<std::string> words{
        "finwait",
        "worker",
        "--environment",
        "--in-flight",
        std::to_string(how.in_flight),
        "--child-of",
        std::to_string(::getpid())};
    if (how.where == lab::wanted::host)
        words.emplace_back("--host");
    if (how.how == isolation::shared)
        words.emplace_back("--shared");
    return words;
}

// Attributes and actions of posix_spawn(3), freed at the end. The parent is suspended until the
// exec, so that nothing here is ever copied by a fork.
class spawn_settings
{
public:
    spawn_settings()
    {
        (void)::posix_spawnattr_init(&attributes_);
        (void)::posix_spawn_file_actions_init(&actions_);
        sigset_t none;
        sigset_t all;
        (void)::sigemptyset(&none);
        (void)::sigfillset(&all);
        (void)::posix_spawnattr_setsigmask(&attributes_, &none);
        (void)::posix_spawnattr_setsigdefault(&attributes_, &all);
        (void)::posix_spawnattr_setpgroup(&attributes_, 0);
        (void)::posix_spawnattr_setflags(
            &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
        );
    }
    ~spawn_settings()
    {
        (void)::posix_spawn_file_actions_destroy(&actions_);
        (void)::posix_spawnattr_destroy(&attributes_);
    }
    spawn_settings(const spawn_settings&) = delete;
    spawn_settings& operator=(const spawn_settings&) = delete;

    void connect(int input, int output)
    {
        (void)::posix_spawn_file_actions_adddup2(&actions_, input, STDIN_FILENO);
        (void)::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
        // A shell may have handed down more descriptors than ours, which have CLOEXEC.
        (void)::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    }

    result<pid_t> spawn(const char* program, const std::vector<std::string>& words)
    {
        std::vector<std::string> copies = words;
        std::vector<char*> arguments;
        arguments.reserve(copies.size() + 1);
        for (std::string& each : copies)
            arguments.push_back(each.data());
        arguments.push_back(nullptr);
        pid_t pid = 0;
        const int error =
            ::posix_spawn(&pid, program, &actions_, &attributes_, arguments.data(), environ);
        if (error != 0)
            return from_errno(error);
        return pid;
    }

private:
    posix_spawnattr_t attributes_{};
    posix_spawn_file_actions_t actions_{};
};

// pidfd_open(2); CLOEXEC. glibc 2.36 declares it in sys/pidfd.h without extern "C".
int open_pidfd(pid_t pid)
{
    return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

std::string how_it_ended(int status)
{
    if (WIFSIGNALED(status))
        return fmt::format("signal {}", WTERMSIG(status));
    return fmt::format("exit status {}", WEXITSTATUS(status));
}

class process final : public worker_process, public std::enable_shared_from_this<process>
{
public:
    process(net::io_context& io, worker_events events)
        : events_(std::move(events)), input_(io), output_(io), exit_(io)
    {
    }
    ~process() override { end_now(); }
    process(const process&) = delete;
    process& operator=(const process&) = delete;

    error_code start(const worker_options& how);
    void listen()
    {
        read();
        await_exit();
    }

    pid_t pid() const override { return pid_; }
    void send(std::string_view line) override;
    void close_input() override;
    void kill() override
    {
        if (pid_ > 0)
            (void)::kill(pid_, SIGKILL);
    }
    void end_now() override;

private:
    void read();
    void await_exit();
    void write();
    void say(std::string_view bytes);
    void drain();
    std::optional<int> reap(int options);
    void close_all();

    worker_events events_;
    descriptor input_;
    descriptor output_;
    descriptor exit_;
    pid_t pid_ = -1; // -1: none, or reaped
    std::string waiting_;
    std::string writing_;
    bool close_when_written_ = false;
    line_splitter lines_{longest_line};
    std::array<char, 64 * 1024> buffer_{};
};

error_code process::start(const worker_options& how)
{
    auto to_child = make_pipe();
    if (!to_child)
        return to_child.error();
    auto from_child = make_pipe();
    if (!from_child)
        return from_child.error();
    spawn_settings settings;
    settings.connect(to_child->read.get(), from_child->write.get());
    const auto started = settings.spawn(how.program.c_str(), command_line(how));
    if (!started)
        return started.error();
    pid_ = *started;
    unique_fd watched(open_pidfd(pid_));
    error_code ec = watched ? error_code() : from_errno(errno);
    if (!ec)
        exit_.assign(watched.release(), ec);
    if (!ec)
        input_.assign(to_child->write.release(), ec);
    if (!ec)
        output_.assign(from_child->read.release(), ec);
    if (!ec)
        output_.non_blocking(true, ec);
    if (ec)
        end_now();
    return ec;
}

void process::send(std::string_view line)
{
    waiting_ += line;
    waiting_ += '\n';
    if (writing_.empty())
        write();
}

void process::write()
{
    if (!input_.is_open())
        return;
    if (waiting_.empty()) {
        if (close_when_written_)
            close_input();
        return;
    }
    writing_ = std::exchange(waiting_, {});
    net::async_write(
        input_,
        net::buffer(writing_),
        [self = shared_from_this()](const error_code& ec, std::size_t) {
            self->writing_.clear();
            if (!ec)
                self->write();
            // EPIPE: it is dying, and its end is told by the pidfd.
        }
    );
}

void process::close_input()
{
    close_when_written_ = true;
    if (writing_.empty() && waiting_.empty()) {
        error_code ignored;
        (void)input_.close(ignored);
    }
}

void process::read()
{
    // Waiting and reading apart: bytes are never in a handler that drain() would overtake.
    output_.async_wait(descriptor::wait_read, [self = shared_from_this()](const error_code& ec) {
        if (ec || self->pid_ < 0)
            return;
        error_code failed;
        const std::size_t bytes = self->output_.read_some(net::buffer(self->buffer_), failed);
        if (failed && failed != net::error::would_block) {
            // It cannot report any more. In an orderly exit(2) this comes first as well, and the
            // signal then changes nothing.
            self->kill();
            return;
        }
        self->say({self->buffer_.data(), bytes});
        if (self->output_.is_open())
            self->read();
    });
}

void process::say(std::string_view bytes)
{
    const auto self = shared_from_this(); // an event may drop the last owner
    lines_.push(bytes);
    while (pid_ > 0 || exit_.is_open()) {
        const auto line = lines_.next();
        if (!line)
            return;
        if (line->too_long)
            events_.babbled();
        else
            events_.said(line->text);
    }
}

void process::await_exit()
{
    exit_.async_wait(descriptor::wait_read, [self = shared_from_this()](const error_code& ec) {
        if (ec || self->pid_ < 0)
            return;
        const auto status = self->reap(WNOHANG);
        // Asio may hand over the readiness of a descriptor that was closed in the same turn.
        if (!status)
            return self->await_exit();
        const std::string how = how_it_ended(*status);
        self->drain();
        const auto ended = self->events_.ended;
        const bool is_wanted = self->exit_.is_open(); // an event may have ended us for good
        self->close_all();
        if (is_wanted)
            ended(how);
    });
}

// All that a dead worker wrote is in the pipe; an orphan of its may keep the pipe open.
void process::drain()
{
    error_code ec;
    output_.cancel(ec);
    while (!ec && output_.is_open()) {
        const std::size_t bytes = output_.read_some(net::buffer(buffer_), ec);
        if (!ec)
            say({buffer_.data(), bytes});
    }
}

/// Its wait status; none while it lives, which only WNOHANG in the options lets one see.
std::optional<int> process::reap(int options)
{
    int status = 0;
    pid_t which = -1;
    do
        which = ::waitpid(pid_, &status, options);
    while (which < 0 && errno == EINTR);
    if (which == 0)
        return std::nullopt;
    pid_ = -1;
    return status;
}

void process::end_now()
{
    if (pid_ > 0) {
        kill();
        (void)reap(0);
    }
    close_all();
}

void process::close_all()
{
    error_code ignored;
    (void)input_.close(ignored);
    (void)output_.close(ignored);
    (void)exit_.close(ignored);
}

} // namespace

result<std::shared_ptr<worker_process>>
worker_process::start(net::io_context& io, const worker_options& how, worker_events events)
{
    auto made = std::make_shared<process>(io, std::move(events));
    if (const error_code ec = made->start(how))
        return ec;
    made->listen();
    return std::shared_ptr<worker_process>(std::move(made));
}

} // namespace finwait::daemon
