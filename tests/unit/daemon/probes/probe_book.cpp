// Single probes from being asked for to being forgotten.
#include "daemon/probes/probe_book.hpp"

#include <doctest/doctest.h>

using namespace finwait;
using namespace finwait::daemon;
using web::run_state;

namespace {

asked_probe asked(const std::string& id, const std::string& target = "origin")
{
    asked_probe made;
    made.id = id;
    made.what.as_asked.target = target;
    return made;
}

} // namespace

TEST_SUITE_BEGIN("daemon/probes");

TEST_CASE("what waits for one target runs together, in the order of asking")
{
    probe_book book(10);
    for (const char* id : {"1", "2"})
        CHECK(book.ask(asked(id)));
    CHECK(book.ask(asked("3", "shop")));
    CHECK(book.ask(asked("4")));
    const auto first = book.next_batch(28);
    REQUIRE(first.size() == 2);
    CHECK(first[1].id == "2");
    CHECK(book.find("1")->state == run_state::running);
    CHECK(book.find("3")->state == run_state::queued);
    CHECK(book.next_batch(28).at(0).id == "3");
    CHECK(book.next_batch(28).at(0).id == "4");
    CHECK(book.next_batch(28).empty());
}

TEST_CASE("a batch has a size")
{
    probe_book book(10);
    for (const char* id : {"1", "2", "3"})
        (void)book.ask(asked(id));
    CHECK(book.next_batch(2).size() == 2);
    CHECK(book.waiting() == 1);
}

TEST_CASE("too many do not wait, and are not remembered")
{
    probe_book book(1);
    CHECK(book.ask(asked("1")));
    CHECK_FALSE(book.ask(asked("2")));
    CHECK(book.find("2") == nullptr);
    (void)book.next_batch(1);
    CHECK(book.ask(asked("2")));
}

TEST_CASE("a probe is done when its report is there, and otherwise over with a reason")
{
    probe_book book(4);
    (void)book.ask(asked("1"));
    (void)book.ask(asked("2"));
    (void)book.next_batch(4);
    CHECK(book.is_underway("1"));
    book.reported("1");
    CHECK_FALSE(book.is_underway("1"));
    book.ended("1", "not this");
    book.ended("2", "no room");
    CHECK(book.find("1")->state == run_state::done);
    CHECK(book.find("1")->why.empty());
    CHECK(book.find("2")->state == run_state::cancelled);
    CHECK(book.find("2")->why == "no room");
    book.ended("none", "x");
    book.reported("none");
    CHECK(book.find("none") == nullptr);
}

TEST_CASE("one is cancelled while it waits or runs, once")
{
    probe_book book(4);
    for (const char* id : {"1", "2"})
        (void)book.ask(asked(id));
    CHECK(book.remove("2") == probe_removal::withdrawn);
    CHECK(book.next_batch(4).size() == 1);
    CHECK(book.remove("1") == probe_removal::running);
    CHECK(book.remove("1") == probe_removal::over);
    CHECK(book.remove("2") == probe_removal::over);
    CHECK(book.remove("3") == probe_removal::unknown);
    CHECK(book.find("2")->why == "it was cancelled");
    SUBCASE("a report that comes all the same counts")
    {
        book.reported("1");
        CHECK(book.find("1")->state == run_state::done);
        CHECK(book.find("1")->why.empty());
    }
}

TEST_CASE("what is over is forgotten in time, what is underway never")
{
    probe_book book(4);
    (void)book.ask(asked("old"));
    (void)book.next_batch(1);
    for (int i = 0; i < 2000; ++i) {
        const auto id = std::to_string(i);
        REQUIRE(book.ask(asked(id)));
        (void)book.next_batch(1);
        book.reported(id);
    }
    CHECK(book.find("0") == nullptr);
    CHECK(book.find("1999") != nullptr);
    CHECK(book.is_underway("old"));
}

TEST_SUITE_END();
