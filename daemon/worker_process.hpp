// A worker as its parent sees it: a child process that takes plans and gives lines.
#pragma once

#include "probe/lab/lab.hpp"
#include "probe/run.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/system/result.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace finwait::daemon {

namespace net = boost::asio;

/// How a worker is to work.
struct worker_options
{
    lab::wanted where = lab::wanted::namespaces;
    isolation how = isolation::each;
    unsigned in_flight = 64;
    bool is_courteous = false;              ///< see worker_settings
    std::optional<address_policy> targets;  ///< what targets may lead to; absent: anywhere
    std::string program = "/proc/self/exe"; ///< this program itself; another one in tests
};

/// What a worker does that concerns its parent. Called from the io_context, never from start().
struct worker_events
{
    std::function<void(std::string_view line)> said; ///< a line without its newline
    std::function<void()> babbled;                   ///< a line that is too long; it is dropped
    /// `exit status 0`, `signal 9`. The last call; the process is reaped, what it had written has
    /// been said.
    std::function<void(const std::string& how)> ended;
};

/// One `finwait worker --environment`, in a process group of its own: the keeper of a worker
/// (keeper.hpp), which ends all below it when this process dies, and ends as the worker ends.
/// Whoever lets go of one that lives calls end_now() first.
class worker_process
{
public:
    /// Starts it. Errors: those of pipe2(2) (EMFILE), posix_spawn(3) (EAGAIN, ENOMEM),
    /// pidfd_open(2).
    static boost::system::result<std::shared_ptr<worker_process>>
    start(net::io_context& io, const worker_options& how, worker_events events);

    virtual pid_t pid() const = 0;

    /// Gives it a line; the newline is added. Never blocks: what the pipe cannot take waits here.
    virtual void send(std::string_view line) = 0;

    /// Ends its standard input, once all lines sent are written: it finishes and exits.
    virtual void close_input() = 0;

    /// SIGKILL; `ended` follows.
    virtual void kill() = 0;

    /// SIGKILL, waits until it is gone, at most 2 s, and no event follows. Does nothing the second
    /// time.
    virtual void end_now() = 0;

    virtual ~worker_process() = default;
};

} // namespace finwait::daemon
