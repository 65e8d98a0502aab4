// How a server goes on answering, beside what stalls.
#include "probe/origin/stalling_server.hpp"

namespace finwait::origin {

void stalling_server::on_answered(std::size_t index)
{
    ++seen_[index].answered;
    seen_[index].complete = true;
    if (shared_.how.at == kill_point::idle && entries_[index].walking)
        tell_stalled(index); // at once, so that whoever waits for the answer finds it stalled
    waiters_.wake_all();
}

net::awaitable<error_code>
stalling_server::answered(unsigned requests, std::chrono::steady_clock::duration limit)
{
    const presence here(*this);
    const auto deadline = std::chrono::steady_clock::now() + limit;
    for (;;) {
        unsigned count = 0;
        for (const auto& each : seen_)
            count += each.answered;
        if (count >= requests)
            co_return error_code{};
        if (ending_ || given_up_)
            co_return error_code(net::error::operation_aborted);
        const auto why = co_await waiters_.wait_until(deadline);
        if (why == wake::expired)
            co_return error_code(net::error::timed_out);
        if (why == wake::cancelled)
            co_return error_code(net::error::operation_aborted);
    }
}

void stalling_server::give_up_waiting()
{
    given_up_ = true;
    waiters_.wake_all();
}

void stalling_server::become_healthy()
{
    if (healthy_)
        return;
    healthy_ = true;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        const bool waits = entries_[i].link && !entries_[i].walking && !entries_[i].answering &&
                           !entries_[i].serving;
        if (waits && seen_[i].complete && shared_.how.at == kill_point::idle)
            spawn_serving(i);
    }
}

void stalling_server::spawn_serving(std::size_t index)
{
    if (!entries_[index].link->is_open())
        return;
    spawn(index, entries_[index].link->serve(), &entry::serving);
}

} // namespace finwait::origin
