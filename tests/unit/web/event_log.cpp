// The ring of events and who is told.
#include "web/event_log.hpp"

#include <doctest/doctest.h>

using namespace finwait::web;

namespace {

std::string names(const std::vector<event>& of)
{
    std::string text;
    for (const auto& each : of)
        text += each.name + std::to_string(each.id) + " ";
    return text;
}

} // namespace

TEST_SUITE_BEGIN("web/event_log");

TEST_CASE("events are numbered from where the log begins, and the newest are kept")
{
    event_log log(10, 3);
    CHECK(log.newest() == 9);
    CHECK(log.after(9)->empty());
    for (const char* name : {"a", "b", "c", "d"})
        log.add(name, "", nullptr);
    CHECK(log.newest() == 13);
    CHECK(names(*log.after(13)) == "");
    CHECK(names(*log.after(11)) == "c12 d13 ");
    CHECK(names(*log.after(10)) == "b11 c12 d13 ");
    CHECK_FALSE(log.after(9)); // 10 is gone
    CHECK_FALSE(log.after(0));
    CHECK_FALSE(log.after(14)); // never given out
}

TEST_CASE("a log that keeps nothing still tells and counts")
{
    event_log log(1, 0);
    std::size_t told = 0;
    const auto one = log.listen([&](const event*) { ++told; });
    log.add("a", "", nullptr);
    CHECK(told == 1);
    CHECK(log.after(1)->empty());
    CHECK_FALSE(log.after(0));
}

TEST_CASE("the index grows with the status alone, the revision with both")
{
    event_log log(5);
    CHECK(log.status_index() == 5);
    const auto begin = log.revision();
    log.add("a", "", nullptr);
    CHECK(log.status_index() == 5);
    CHECK(log.revision() == begin + 1);
    log.status_changed();
    CHECK(log.status_index() == 6);
    CHECK(log.revision() == begin + 2);
    CHECK(log.newest() == 5);
}

TEST_CASE("listeners are told until their subscription ends, and may end or begin one meanwhile")
{
    event_log log;
    std::string heard;
    std::shared_ptr<event_log::subscription> second;
    std::shared_ptr<event_log::subscription> third;
    const auto first = log.listen([&](const event* what) {
        heard += what ? what->name : "status";
        heard += "1 ";
        second.reset();
        if (!third)
            third = log.listen([&](const event*) { heard += "3 "; });
    });
    second = log.listen([&](const event*) { heard += "2 "; });
    log.add("a", "", nullptr);
    CHECK(heard == "a1 ");
    log.status_changed();
    CHECK(heard == "a1 status1 3 ");
    auto own = std::make_shared<std::shared_ptr<event_log::subscription>>();
    *own = log.listen([own, &heard](const event*) {
        own->reset(); // itself
        heard += "4 ";
    });
    heard.clear();
    log.add("b", "", nullptr);
    log.add("c", "", nullptr);
    CHECK(heard == "b1 3 4 c1 3 ");
}

TEST_CASE("a subscription may outlive its log")
{
    std::shared_ptr<event_log::subscription> left;
    {
        event_log log;
        left = log.listen([](const event*) {});
    }
    left.reset();
}

TEST_SUITE_END();
