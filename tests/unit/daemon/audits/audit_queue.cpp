// Who runs, who waits, who joins.
#include "daemon/audits/audit_queue.hpp"

#include <doctest/doctest.h>

using namespace finwait::daemon;

TEST_SUITE_BEGIN("daemon/audits/audit_queue");

TEST_CASE("one runs at a time, in the order of asking")
{
    audit_queue queue(4);
    CHECK_FALSE(queue.next());
    CHECK(queue.ask("a", "1").came_out == admission::queued);
    CHECK(queue.ask("b", "2").came_out == admission::queued);
    CHECK(queue.next()->id == "1");
    CHECK_FALSE(queue.next());
    queue.ended("2"); // it does not run
    CHECK_FALSE(queue.next());
    queue.ended("1");
    CHECK(queue.next()->id == "2");
    queue.ended("2");
    CHECK_FALSE(queue.next());
}

TEST_CASE("the same one is joined while it runs and while it waits, and is new after its end")
{
    audit_queue queue(4);
    (void)queue.ask("a", "1");
    (void)queue.next();
    CHECK(queue.ask("a", "2").came_out == admission::joined);
    CHECK(queue.ask("a", "2").id == "1");
    (void)queue.ask("b", "3");
    CHECK(queue.ask("b", "4").id == "3");
    CHECK(queue.waiting().size() == 1);
    queue.ended("1");
    const auto again = queue.ask("a", "5");
    CHECK(again.came_out == admission::queued);
    CHECK(again.id == "5");
}

TEST_CASE("as many wait as may, besides the one that runs; joining needs no room")
{
    audit_queue queue(2);
    (void)queue.ask("a", "1");
    (void)queue.next();
    CHECK(queue.ask("b", "2").came_out == admission::queued);
    CHECK(queue.ask("c", "3").came_out == admission::queued);
    const auto full = queue.ask("d", "4");
    CHECK(full.came_out == admission::full);
    CHECK(full.id.empty());
    CHECK(queue.ask("c", "5").came_out == admission::joined);
    CHECK(queue.ask("a", "5").came_out == admission::joined);
    queue.ended("1");
    (void)queue.next();
    CHECK(queue.ask("d", "4").came_out == admission::queued);
}

TEST_CASE("with no room to wait one can still run")
{
    audit_queue queue(0);
    CHECK(queue.ask("a", "1").came_out == admission::queued);
    CHECK(queue.ask("b", "2").came_out == admission::full);
    (void)queue.next();
    CHECK(queue.ask("b", "2").came_out == admission::full);
}

TEST_CASE("a smaller limit leaves those that wait")
{
    audit_queue queue(3);
    for (const char* each : {"1", "2", "3"})
        (void)queue.ask(each, each);
    queue.set_limit(1);
    CHECK(queue.waiting().size() == 3);
    CHECK(queue.ask("4", "4").came_out == admission::full);
}

TEST_CASE("one that waits is taken out, one that runs is for its runner to end")
{
    audit_queue queue(4);
    (void)queue.ask("a", "1");
    (void)queue.ask("b", "2");
    (void)queue.next();
    CHECK(queue.remove("1") == removal::running);
    CHECK(queue.running());
    CHECK(queue.remove("2") == removal::unqueued);
    CHECK(queue.remove("2") == removal::unknown);
    CHECK(queue.ask("b", "3").came_out == admission::queued);
    CHECK(queue.remove("") == removal::unknown);
}

TEST_SUITE_END();
