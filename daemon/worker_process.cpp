#include "daemon/worker_process.hpp"

#include "daemon/line_splitter.hpp"
#include "daemon/malloc_tuning.hpp"
#include "probe/subject/spawn.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <csignal>
#include <optional>
#include <utility>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace finwait::daemon {

namespace {

using boost::system::error_code;
using namespace std::chrono_literals;
using descriptor = net::posix::stream_descriptor;

// A report is a few kB; what a subject printed in it is bounded.
constexpr std::size_t longest_line = 4 * 1024 * 1024;

// From SIGKILL to the end of a process that waits for nothing, on a machine that is very busy.
constexpr auto longest_dying = 2s;

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
    if (how.is_courteous)
        words.emplace_back("--courteous");
    if (how.targets) {
        words.emplace_back("--targets");
        words.push_back(to_string(*how.targets));
    }
    return words;
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
    std::optional<int> reap(std::chrono::milliseconds limit);
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
    auto to_child = subject::make_pipe();
    if (!to_child)
        return to_child.error();
    auto from_child = subject::make_pipe();
    if (!from_child)
        return from_child.error();
    subject::spawn_order order;
    order.program = how.program;
    order.command = command_line(how);
    order.environment = subject::own_environment();
    tune_malloc_of(order.environment);
    order.input = to_child->read.get();
    order.output = from_child->write.get();
    auto started = subject::spawn(order);
    if (!started)
        return started.error();
    pid_ = started->pid;
    error_code ec;
    exit_.assign(started->pidfd.release(), ec);
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
        const auto status = self->reap(0ms);
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

/// Its wait status; none while it lives. Waits for its end at most so long.
std::optional<int> process::reap(std::chrono::milliseconds limit)
{
    const auto status = subject::reap(pid_, limit);
    if (status)
        pid_ = -1;
    return status;
}

void process::end_now()
{
    if (pid_ > 0) {
        kill();
        // Ignoring that the kernel may keep it waiting: it ends when that is over, and whoever is
        // its parent then reaps it.
        (void)reap(longest_dying);
        pid_ = -1;
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

boost::system::result<std::shared_ptr<worker_process>>
worker_process::start(net::io_context& io, const worker_options& how, worker_events events)
{
    auto made = std::make_shared<process>(io, std::move(events));
    if (const error_code ec = made->start(how))
        return ec;
    made->listen();
    return std::shared_ptr<worker_process>(std::move(made));
}

} // namespace finwait::daemon
