#include "probe/subject/child.hpp"

#include "probe/subject/spawn.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

namespace finwait::subject {
namespace {

using kernel::error_code;
constexpr auto as_result = net::as_tuple(net::use_awaitable);
constexpr std::size_t most_output_bytes = 64 * 1024;

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
    spawn_order order;
    order.program = command.front();
    order.command = command;
    order.environment = own_environment();
    order.input = to_child->read.get();
    order.output = order.error = from_child->write.get();
    order.handed_down = handed_down;
    auto started = spawn(order);
    if (!started)
        return started.error();
    std::unique_ptr<child> born(
        new child(io, std::move(command), started->pid, std::move(started->pidfd))
    );
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
    (void)reap(pid_, std::chrono::seconds(5)); // ignoring: init has it in the end
    pid_ = 0;
}

} // namespace finwait::subject
