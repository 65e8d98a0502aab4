// How a server lets its connections go, and how it ends.
#include "probe/origin/stalling_server.hpp"

#include <boost/asio/co_spawn.hpp>

#include <exception>

namespace finwait::origin {

namespace {

constexpr auto no_deadline = std::chrono::steady_clock::time_point::max();

} // namespace

net::awaitable<void>
stalling_server::let_go(after_action how, std::chrono::steady_clock::duration limit)
{
    if (how == after_action::stall)
        co_return;
    end_listening();
    if (how == after_action::answer) {
        answering_ = true;
        for (std::size_t i = 0; i < entries_.size(); ++i)
            if (entries_[i].link && !entries_[i].walking)
                spawn_answer(i);
        co_await wait_for_quiet(std::chrono::steady_clock::now() + limit);
        answering_ = false;
    }
    for (auto& each : entries_)
        if (each.link && how == after_action::reset)
            each.link->reset();
        else if (each.link)
            each.link->close();
    co_await wait_for_quiet(no_deadline);
}

void stalling_server::spawn_answer(std::size_t index)
{
    // Who serves on owes nothing but to what may come, and is closed in the end.
    if (!entries_[index].link->is_open() || entries_[index].serving)
        return;
    spawn(index, entries_[index].link->answer(seen_[index].error), &entry::answering);
}

/// How it ended is seen in what the connection's bytes and the kernel say.
void stalling_server::spawn(
    std::size_t index, net::awaitable<error_code> work, bool entry::*is_at_it
)
{
    enter();
    entries_[index].*is_at_it = true;
    net::co_spawn(
        io_,
        std::move(work),
        [this, index, is_at_it](std::exception_ptr failed, error_code) {
            entries_[index].*is_at_it = false;
            if (entries_[index].forgotten)
                forget(index);
            waiters_.wake_all();
            leave();
            if (failed)
                std::rethrow_exception(failed);
        }
    );
}

template <class Action>
std::size_t stalling_server::on_stalled(Action act)
{
    std::size_t count = 0;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (!seen_[i].stalled || !entries_[i].link || !entries_[i].link->is_open())
            continue;
        act(*entries_[i].link);
        ++count;
    }
    return count;
}

std::size_t stalling_server::close_now()
{
    return on_stalled([](connection& one) { one.close(); });
}

std::size_t stalling_server::reset_now()
{
    return on_stalled([](connection& one) { one.reset(); });
}

net::awaitable<void> stalling_server::stop()
{
    end_listening();
    for (auto& each : entries_)
        if (each.link)
            each.link->close();
    co_await wait_for_quiet(no_deadline);
}

void stalling_server::end_listening()
{
    ending_ = true;
    error_code ignored; // close(2) gives the descriptor back whatever it says
    acceptor_.close(ignored);
    fillers_.clear();
    waiters_.wake_all();
}

void stalling_server::leave()
{
    if (--active_ == 0)
        waiters_.wake_all();
}

net::awaitable<void> stalling_server::wait_for_quiet(std::chrono::steady_clock::time_point deadline)
{
    while (active_ > 0) {
        const auto why = co_await waiters_.wait_until(deadline);
        if (why == wake::expired)
            co_return;
    }
}

} // namespace finwait::origin
