// Another program's client while it runs: what it says, whether it lives, what it has started.
#pragma once

#include "probe/event.hpp"
#include "probe/kernel/sock_diag.hpp"
#include "probe/subject/client_order.hpp"
#include "probe/subject/line_pattern.hpp"
#include "probe/subject/spawn.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <signal.h>

namespace finwait::subject {

namespace net = boost::asio;

/// What stands for a placeholder, without the braces.
using replacements = std::map<std::string, std::string, std::less<>>;

/// Replaces every {name} that is known, anywhere in the text; other braces stay as typed.
std::string fill_in(std::string_view text, const replacements& known);

/// The environment of a client: this process's own, less proxies and finwait's, with unbuffered and
/// quiet Python, UTF-8, and the order's variables last. `mark` is what its descendants are known
/// by. Of what is known, {url} becomes FINWAIT_URL, and {ca_file}, where there is one, the
/// variables by which OpenSSL, curl, Python's requests and node are told whom to trust.
environment_block
environment_of(const client_order& how, const std::string& mark, const replacements& known);

/// What a process does with a signal: /proc/PID/status SigIgn and SigCgt, proc_pid_status(5).
enum class disposition { standard, ignored, caught, unknown };
disposition disposition_of(pid_t pid, int number);

/// Whether a signal waits to be delivered (SigPnd, ShdPnd): blocked, or the process is stopped.
bool is_pending(pid_t pid, int number);

/// State T or t, proc_pid_stat(5): signals but SIGKILL and SIGCONT wait until it is continued.
bool is_stopped(pid_t pid);

/// A started program, in a session and a process group of its own, with pipes for its standard
/// input, output and error. What it says is kept, up to a bound, and read on for ever, so that it
/// never stands still for a full pipe.
class program : public std::enable_shared_from_this<program>
{
public:
    /// How much of each of its outputs is kept: the first half and the last.
    static constexpr std::size_t most_output_bytes = 32 * 1024;

    /// Starts it in the calling thread's network namespace. `hold` as in client_order; it has been
    /// checked. `network`: the namespace's name in /proc/PID/ns/net when nobody but the program and
    /// what it starts is in it. Errors: those of spawn(), EMFILE.
    static result<std::shared_ptr<program>> start(
        net::io_context& io,
        const client_order& how,
        const replacements& known,
        const std::string& mark,
        std::string network
    );

    /// Called when it ends.
    void on_end(std::function<void()> act) { on_end_ = std::move(act); }

    pid_t pid() const { return pid_; }
    const std::vector<std::string>& command() const { return command_; }

    /// Both outputs, in the order in which they were read.
    std::string output() const;

    /// Sends it a line; what its pipe does not take at once is lost. False when it does not read.
    bool tell(std::string_view line);

    event& ready() { return ready_; }    ///< it said READY
    event& done() { return done_; }      ///< it said its hold line
    event& healthy() { return health_; } ///< it said HEALTH
    event& ended() { return ended_; }    ///< it ended; a zombie until end()

    /// Whatever is new: any of the events above.
    net::awaitable<void> anything(std::chrono::steady_clock::duration limit);

    /// It will have to say once more that it is done.
    void forget_done() { done_.clear(); }
    bool is_done() const { return done_.is_set(); }
    bool lives() const { return !ended_.is_set(); }
    bool says_healthy() const { return said_health_ == "ok"; }
    const std::string& said_health() const { return said_health_; } ///< `ok`, or an error's name

    /// `signal 9`, `exit status 0`; empty while it lives.
    const std::string& how_it_ended() const { return how_ended_; }

    /// It and its descendants that are alive, also those that left its group and session.
    std::vector<std::int32_t> processes() const;

    /// Kills all of them with SIGKILL and reaps what is ours to reap. Call it once before the end.
    /// Gives who could not be ended within some seconds, for which it blocks: see end_family().
    std::vector<std::int32_t> end();

    ~program();
    program(const program&) = delete;
    program& operator=(const program&) = delete;

private:
    struct outlet
    {
        net::posix::stream_descriptor from;
        std::array<char, 4096> buffer{};
        std::string line;
    };

    program(net::io_context& io, spawned born, std::string mark, const client_order& how);
    void read(outlet& which);
    void await_end();
    void take(outlet& which, std::string_view bytes);
    void on_line(std::string_view line);
    void keep(std::string_view bytes);
    void news();

    std::vector<std::string> command_;
    pid_t pid_;
    std::string mark_;
    std::string network_;
    std::function<void()> on_end_;
    bool is_driver_;
    std::optional<line_pattern> hold_;
    net::posix::stream_descriptor pidfd_;
    kernel::unique_fd input_;
    outlet output_;
    outlet error_;
    std::string first_kept_;
    std::string last_kept_;
    std::uint64_t dropped_bytes_ = 0;
    event ready_;
    event done_;
    event health_;
    event ended_;
    event any_;
    std::string said_health_;
    std::string how_ended_;
};

} // namespace finwait::subject
