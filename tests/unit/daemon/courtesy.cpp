// A worker's place among the processes of the machine, and when it gives it up.
#include "daemon/courtesy.hpp"

#include "tests/support/child_process.hpp"

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using finwait::daemon::courtesy;
using finwait::daemon::is_starved;
using finwait::daemon::priority;
using finwait::daemon::processor_time;
using kind = courtesy::kind;
using order = std::vector<priority>;

/// A worker on a kernel that takes what it is told, or refuses the first few times, and lets it run
/// as it is told.
struct stage
{
    boost::asio::io_context io;
    order taken;
    int refusals = 0;
    int looks = 0;
    bool counts = true;
    std::chrono::nanoseconds used_each_second = 1s;
    processor_time now{};
    courtesy worker{
        io,
        {.take = [this](priority wanted) { return take(wanted); },
         .look = [this] { return look(); },
         .is_overloaded = [] { return false; },
         .interval = 1ms}};

    bool take(priority wanted)
    {
        if (refusals > 0) {
            --refusals;
            return false;
        }
        taken.push_back(wanted);
        return true;
    }

    /// A second later each time.
    std::optional<processor_time> look()
    {
        ++looks;
        now.at += 1s;
        now.used += used_each_second;
        now.waited += 1s - used_each_second;
        return counts ? std::optional(now) : std::nullopt;
    }

    /// Turns the loop until so many looks have been taken.
    void until(int wanted)
    {
        while (looks < wanted && io.run_one() != 0) {
        }
        REQUIRE(looks == wanted);
    }
};

/// What /proc shows of a leader of its own session that has taken these.
std::string autogroup_after(const order& wanted)
{
    const finwait::test::child_process worker([&wanted] {
        finwait::daemon::lead_own_session();
        for (const auto each : wanted)
            while (!finwait::daemon::take(each)) {
                // another process was the one of these 100 ms
            }
    });
    CHECK(::getsid(worker.pid()) == worker.pid());
    std::ifstream file("/proc/" + std::to_string(worker.pid()) + "/autogroup");
    std::string text;
    std::getline(file, text);
    return text;
}

TEST_SUITE("courtesy")
{
    TEST_CASE("hungry is who wants to run and gets less than a fortieth of a processor")
    {
        const auto after = [](auto used, auto waited) {
            return is_starved({}, {processor_time{}.at + 1s, used, waited});
        };
        CHECK(after(24ms, 900ms));
        CHECK_FALSE(after(25ms, 900ms));
        CHECK(after(0ms, 500ms));
        CHECK_FALSE(after(0ms, 499ms)); // most of the time it had nothing to do
        CHECK_FALSE(after(1s, 0ms));
    }

    TEST_CASE("a worker with probes of the built-in client stands behind others, said once")
    {
        stage with;
        with.worker.began(kind::built_in);
        with.worker.began(kind::built_in);
        with.until(3);
        CHECK(with.taken == order{priority::behind_others});
    }

    TEST_CASE("what the kernel refuses now is asked for again")
    {
        stage with;
        with.refusals = 2;
        with.worker.began(kind::built_in);
        CHECK(with.taken.empty());
        with.until(3);
        CHECK(with.taken == order{priority::behind_others});
    }

    TEST_CASE("one that is starved goes back among others and stays there")
    {
        stage with;
        with.worker.began(kind::built_in);
        with.used_each_second = 10ms;
        with.until(2);
        CHECK(with.taken == order{priority::behind_others, priority::among_others});
        with.used_each_second = 1s;
        with.io.run(); // no further look
        with.worker.began(kind::built_in);
        with.io.restart();
        with.io.run();
        CHECK(with.taken == order{priority::behind_others, priority::among_others});
    }

    TEST_CASE("a program is judged among others, from its first moment on")
    {
        stage with;
        with.worker.began(kind::built_in);
        with.worker.began(kind::program);
        CHECK(with.taken == order{priority::behind_others, priority::among_others});
        with.worker.ended();
        with.worker.began(kind::built_in);
        with.io.run();
        CHECK(with.taken == order{priority::behind_others, priority::among_others});
    }

    TEST_CASE("on an overloaded machine it never begins")
    {
        boost::asio::io_context io;
        order taken;
        courtesy worker(
            io,
            {.take =
                 [&taken](priority wanted) {
                     taken.push_back(wanted);
                     return true;
                 },
             .is_overloaded = [] { return true; },
             .interval = 1ms}
        );
        worker.began(kind::built_in);
        io.run();
        CHECK(taken.empty());
    }

    TEST_CASE("where the kernel does not count there is no courtesy")
    {
        stage with;
        with.counts = false;
        with.worker.began(kind::built_in);
        with.io.run();
        CHECK(with.taken.empty());
    }

    TEST_CASE("a worker that has nothing to do is not woken, and its rest is no hunger")
    {
        stage with;
        with.worker.began(kind::built_in);
        with.worker.ended();
        with.io.run();
        const int looks = with.looks;
        with.used_each_second = 0ms;
        with.worker.began(kind::built_in);
        CHECK(with.looks == looks + 1);
        CHECK(with.taken == order{priority::behind_others});
    }

    TEST_CASE("this kernel lets anybody change the nice value of his own autogroup, both ways")
    {
        const std::string behind = autogroup_after({priority::behind_others});
        if (behind.empty()) {
            MESSAGE("skipped: this kernel has no autogroups");
            return;
        }
        CHECK_MESSAGE(behind.ends_with(" nice 19"), behind);
        const std::string back = autogroup_after({priority::behind_others, priority::among_others});
        CHECK_MESSAGE(back.ends_with(" nice 0"), back);
    }

    TEST_CASE("this kernel counts what this process has had")
    {
        const auto before = finwait::daemon::own_processor_time();
        REQUIRE(before);
        CHECK(before->used > 0ns);
        const auto later = finwait::daemon::own_processor_time();
        REQUIRE(later);
        CHECK(later->used >= before->used);
        CHECK(later->waited >= before->waited);
    }
}

} // namespace
