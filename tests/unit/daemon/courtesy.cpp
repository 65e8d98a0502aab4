// A worker's place among the processes of the machine, and when it gives it up.
#include "daemon/courtesy.hpp"

#include "tests/support/child_process.hpp"

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using finwait::daemon::courtesy;
using finwait::daemon::priority;
using kind = courtesy::kind;
using order = std::vector<priority>;

/// A worker on a kernel that takes what it is told, or refuses the first few times.
struct stage
{
    explicit stage(std::chrono::milliseconds patience = 1h, bool is_overloaded = false)
        : worker(
              io,
              {.take = [this](priority wanted) { return take(wanted); },
               .is_overloaded = [is_overloaded] { return is_overloaded; },
               .patience = patience,
               .interval = 1ms,
               .refusal = 1ms}
          )
    {
    }

    boost::asio::io_context io;
    order taken;
    int refusals = 0;
    courtesy worker;

    bool take(priority wanted)
    {
        if (refusals > 0) {
            --refusals;
            return false;
        }
        taken.push_back(wanted);
        return true;
    }

    /// Turns the loop until so many have been taken.
    void until(std::size_t wanted)
    {
        while (taken.size() < wanted && io.run_one() != 0) {
        }
        REQUIRE(taken.size() == wanted);
    }
};

/// What /proc shows of a leader of its own session that has taken these.
std::string autogroup_after(const order& wanted)
{
    const finwait::test::child_process worker([&wanted] {
        const auto limit = std::chrono::steady_clock::now() + 20s;
        bool is_taken = finwait::daemon::lead_own_session();
        for (const auto each : wanted)
            while (is_taken && !finwait::daemon::take(each)) // another was the one of these 100 ms
                is_taken = std::chrono::steady_clock::now() < limit;
    });
    CHECK(::getsid(worker.pid()) == worker.pid());
    std::ifstream file("/proc/" + std::to_string(worker.pid()) + "/autogroup");
    std::string text;
    std::getline(file, text);
    return text;
}

TEST_SUITE("courtesy")
{
    TEST_CASE("a worker with probes of the built-in client stands behind others, said once")
    {
        stage with;
        with.worker.began("a", kind::built_in);
        with.worker.began("b", kind::built_in);
        for (int looks = 0; looks < 3; ++looks)
            with.io.run_one();
        CHECK(with.taken == order{priority::behind_others});
    }

    TEST_CASE("what the kernel refuses now is asked for again")
    {
        stage with;
        with.refusals = 2;
        with.worker.began("a", kind::built_in);
        CHECK(with.taken.empty());
        with.until(1);
        CHECK(with.taken == order{priority::behind_others});
        // Also when nothing is left to be done: it is not to stay where it should not be.
        with.refusals = 2;
        with.worker.began("b", kind::program);
        with.worker.ended("a");
        with.worker.ended("b");
        with.io.run();
        CHECK(with.taken == order{priority::behind_others, priority::among_others});
    }

    TEST_CASE("a probe that takes too long brings it back among others, where it stays")
    {
        stage with(5ms);
        with.worker.began("a", kind::built_in);
        with.until(2);
        CHECK(with.taken == order{priority::behind_others, priority::among_others});
        with.worker.ended("a");
        with.io.run(); // no further look
        with.worker.began("b", kind::built_in);
        with.io.restart();
        with.io.run();
        CHECK(with.taken == order{priority::behind_others, priority::among_others});
    }

    TEST_CASE("a program is judged among others, from its first moment on")
    {
        stage with;
        with.worker.began("a", kind::built_in);
        with.worker.began("b", kind::program);
        CHECK(with.taken == order{priority::behind_others, priority::among_others});
        with.worker.ended("b");
        with.worker.began("c", kind::built_in);
        with.io.run();
        CHECK(with.taken == order{priority::behind_others, priority::among_others});
    }

    TEST_CASE("on an overloaded machine it never begins")
    {
        stage with(1h, true);
        with.worker.began("a", kind::built_in);
        with.io.run();
        CHECK(with.taken.empty());
    }

    TEST_CASE("a worker that has nothing to do is not woken")
    {
        stage with(5ms);
        with.worker.began("a", kind::built_in);
        with.worker.ended("a");
        with.io.run(); // ends
        CHECK(with.taken == order{priority::behind_others});
    }

    TEST_CASE("this kernel lets anybody change the nice value of his own autogroup, both ways")
    {
        if (::access("/proc/self/autogroup", W_OK) != 0) {
            MESSAGE("skipped: /proc/self/autogroup: " << std::strerror(errno));
            return;
        }
        const std::string behind = autogroup_after({priority::behind_others});
        CHECK_MESSAGE(behind.ends_with(" nice 19"), behind);
        const std::string back = autogroup_after({priority::behind_others, priority::among_others});
        CHECK_MESSAGE(back.ends_with(" nice 0"), back);
    }

    TEST_CASE("who leads a process group cannot lead a session, and is told so")
    {
        const auto answer = finwait::test::answer_of_child([] {
            (void)::setpgid(0, 0);
            return std::string(finwait::daemon::lead_own_session() ? "leads" : "does not");
        });
        CHECK(answer == "does not");
    }
}

} // namespace
