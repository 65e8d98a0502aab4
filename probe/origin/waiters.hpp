// Coroutines of one thread that wait for a condition of somebody else's, with a deadline.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

namespace finwait::origin {

/// Why a wait ended.
enum class wake { woken, expired, cancelled };

/// Who is to be woken. Outlives those who wait.
class waiters
{
public:
    /// What those wait for who wait for anything.
    static constexpr std::uint64_t anything = 0;

    /// Wakes all of them, to look at their condition again.
    void wake_all()
    {
        for (auto* each : waiting_)
            each->wake_up();
    }

    /// Wakes those who wait for this, and those who wait for anything. Many probes wait on one
    /// server, and each news concerns one of them.
    void wake_for(std::uint64_t subject)
    {
        for (auto* each : waiting_)
            if (each->subject == subject || each->subject == anything)
                each->wake_up();
    }

    /// Waits once. Look at the condition before and after: it may also hold after an expiry.
    boost::asio::awaitable<wake>
    wait_until(std::chrono::steady_clock::time_point deadline, std::uint64_t subject = anything)
    {
        const auto executor = co_await boost::asio::this_coro::executor;
        place self(*this, executor, subject);
        self.timer.expires_at(deadline);
        auto [error] =
            co_await self.timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        if (self.woken)
            co_return wake::woken;
        co_return error ? wake::cancelled : wake::expired;
    }

private:
    struct place
    {
        place(waiters& list, const boost::asio::any_io_executor& executor, std::uint64_t waited_for)
            : all(list), timer(executor), subject(waited_for)
        {
            all.waiting_.push_back(this);
        }
        ~place() { std::erase(all.waiting_, this); }
        place(const place&) = delete;
        place& operator=(const place&) = delete;

        void wake_up()
        {
            woken = true;
            timer.cancel();
        }

        waiters& all;
        boost::asio::steady_timer timer;
        std::uint64_t subject;
        bool woken = false;
    };

    std::vector<place*> waiting_;
};

} // namespace finwait::origin
