// A one-shot event between coroutines of one thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>

namespace finwait {

namespace net = boost::asio;

/// Set once, or once more after clear(); whoever waits is woken. Must outlive its waiters.
class event
{
public:
    explicit event(const net::any_io_executor& executor) : timer_(executor) {}

    bool is_set() const { return set_; }

    void set()
    {
        set_ = true;
        timer_.cancel();
    }

    /// As it was at first, for the next time.
    void clear() { set_ = false; }

    /// Waits until it is set. False when the time is over, or at a terminal cancellation, before.
    /// One waiter at a time.
    net::awaitable<bool> wait(std::chrono::steady_clock::duration limit)
    {
        if (!set_) {
            timer_.expires_after(limit);
            auto [ec] = co_await timer_.async_wait(net::as_tuple(net::use_awaitable));
            (void)ec; // whether it was set is what counts
        }
        co_return set_;
    }

    /// Waits without a limit. False at a terminal cancellation.
    net::awaitable<bool> wait()
    {
        if (!set_) {
            timer_.expires_at(std::chrono::steady_clock::time_point::max());
            auto [ec] = co_await timer_.async_wait(net::as_tuple(net::use_awaitable));
            (void)ec; // whether it was set is what counts
        }
        co_return set_;
    }

private:
    net::steady_timer timer_;
    bool set_ = false;
};

} // namespace finwait
