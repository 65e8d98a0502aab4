// Deaths of the client's process. Confirmed by its wait status.
#include "probe/kernel/system_error.hpp"
#include "probe/kill/kill.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cerrno>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

namespace finwait::kill {
namespace {

/// In words: `signal 9`, `exit status 0`.
std::string in_words(const siginfo_t& status)
{
    if (status.si_code == CLD_EXITED)
        return "exit status " + std::to_string(status.si_status);
    return "signal " + std::to_string(status.si_status);
}

/// Waits for the end of the process and leaves it a zombie, so that its number stays its own until
/// whoever started it has reaped it. Its descriptors are closed by then: exit_files() runs before
/// the parent is notified (kernel/exit.c do_exit()). Asks again when the process lives on: Asio may
/// hand over the readiness of a descriptor that was closed in the same turn.
net::awaitable<proof> after_the_end(victim& client)
{
    using namespace net::experimental::awaitable_operators;
    constexpr auto as_result = net::as_tuple(net::use_awaitable);
    constexpr auto readable = net::posix::stream_descriptor::wait_read;
    const auto executor = co_await net::this_coro::executor;
    proof out;
    const int copy = ::fcntl(client.pidfd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) {
        out.why = kernel::last_error();
        out.failed = "the client's process could not be waited for: " + out.why.message();
        co_return out;
    }
    net::posix::stream_descriptor ended(executor, copy);
    net::steady_timer timer(executor, patience);
    siginfo_t status{};
    while (status.si_pid == 0) {
        auto first =
            co_await (ended.async_wait(readable, as_result) || timer.async_wait(as_result));
        const auto pid = static_cast<id_t>(client.pid);
        if (::waitid(P_PID, pid, &status, WEXITED | WNOHANG | WNOWAIT) != 0) {
            out.failed = "the client's process could not be waited for";
            co_return out;
        }
        if (status.si_pid == 0 && first.index() == 1) {
            out.failed = "the client's process did not end within " +
                         std::to_string(patience.count()) + " s";
            co_return out;
        }
    }
    out.wait_status = in_words(status);
    out.happened = "wait status: " + out.wait_status;
    co_return out;
}

/// Sends a signal whose default action ends the process, and checks that this is what ended it.
net::awaitable<proof> by_signal(victim& client, int number)
{
    if (::kill(client.pid, number) != 0) {
        proof out;
        out.failed = "kill(2): errno " + std::to_string(errno);
        co_return out;
    }
    proof out = co_await after_the_end(client);
    if (out.failed.empty() && out.wait_status != "signal " + std::to_string(number)) {
        out.failed = "signal " + std::to_string(number) + " was sent, but the process ended by " +
                     out.wait_status;
        out.happened.clear();
    }
    co_return out;
}

} // namespace

net::awaitable<proof> by_sigint(victim& client)
{
    co_return co_await by_signal(client, SIGINT);
}

net::awaitable<proof> by_sigterm(victim& client)
{
    co_return co_await by_signal(client, SIGTERM);
}

net::awaitable<proof> by_sigkill(victim& client)
{
    co_return co_await by_signal(client, SIGKILL);
}

net::awaitable<proof> by_exit(victim& client)
{
    if (!client.tell("exit")) {
        proof out;
        out.failed = "the client's process took no order";
        co_return out;
    }
    proof out = co_await after_the_end(client);
    if (out.failed.empty() && out.wait_status != "exit status 0") {
        out.failed = "_exit() was ordered, but the process ended by " + out.wait_status;
        out.happened.clear();
    }
    co_return out;
}

net::awaitable<proof> by_stop(victim& client)
{
    const auto executor = co_await net::this_coro::executor;
    net::signal_set children(executor, SIGCHLD);
    proof out;
    if (::kill(client.pid, SIGSTOP) != 0) {
        out.failed = "kill(2): errno " + std::to_string(errno);
        co_return out;
    }
    for (;;) {
        siginfo_t status{};
        const int answer = ::waitid(
            P_PID, static_cast<id_t>(client.pid), &status, WSTOPPED | WEXITED | WNOHANG | WNOWAIT
        );
        if (answer == 0 && status.si_pid == client.pid && status.si_code == CLD_STOPPED) {
            out.happened = "wait status: stopped by signal " + std::to_string(status.si_status);
            co_return out;
        }
        if (answer != 0 || status.si_pid == client.pid) {
            out.failed = "the process ended instead of stopping";
            co_return out;
        }
        auto [failed, number] = co_await children.async_wait(net::as_tuple(net::use_awaitable));
        (void)number;
        if (failed) {
            out.failed = "the wait for the process was cancelled";
            co_return out;
        }
    }
}

} // namespace finwait::kill
