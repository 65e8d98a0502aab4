// Handing out plans, answers, and the deaths of workers.
#include "daemon/feed.hpp"

#include <doctest/doctest.h>

using namespace finwait;
using daemon::feed;

namespace {

const feed::time_point start{};

std::vector<json::plan_line> plans(std::initializer_list<const char*> ids)
{
    std::vector<json::plan_line> lines;
    for (const char* id : ids)
        lines.push_back({.plan = {}, .id = id});
    return lines;
}

std::vector<std::string> ids_of(const std::vector<json::plan_line>& lines)
{
    std::vector<std::string> ids;
    for (const auto& line : lines)
        ids.push_back(line.id.value());
    return ids;
}

using ids = std::vector<std::string>;

} // namespace

TEST_SUITE_BEGIN("daemon/feed");

TEST_CASE("plans are handed out in order, and no worker has more than its window")
{
    feed plan_feed(plans({"a", "b", "c", "d", "e"}), 2);
    CHECK(plan_feed.next(0, start)->id == "a");
    CHECK(plan_feed.next(1, start)->id == "b");
    CHECK(plan_feed.next(0, start)->id == "c");
    CHECK_FALSE(plan_feed.next(0, start));
    CHECK(plan_feed.next(1, start)->id == "d");
    CHECK(plan_feed.answered(0, "a"));
    CHECK(plan_feed.next(0, start)->id == "e");
    CHECK(plan_feed.all_given());
    CHECK_FALSE(plan_feed.done());
}

TEST_CASE("an answer counts once, and only from the worker that was asked")
{
    feed plan_feed(plans({"a"}), 1);
    REQUIRE(plan_feed.next(0, start));
    CHECK_FALSE(plan_feed.answered(1, "a"));
    CHECK_FALSE(plan_feed.answered(0, "b"));
    CHECK(plan_feed.answered(0, "a"));
    CHECK_FALSE(plan_feed.answered(0, "a"));
    CHECK(plan_feed.done());
}

TEST_CASE("a death loses what that worker had, and nothing else")
{
    feed plan_feed(plans({"a", "b", "c", "d"}), 2);
    for (const unsigned worker : {0U, 0U, 1U})
        REQUIRE(plan_feed.next(worker, start));
    REQUIRE(plan_feed.answered(0, "a"));
    CHECK(ids_of(plan_feed.lost(0)) == ids{"b"});
    CHECK(plan_feed.lost(0).empty());
    CHECK(plan_feed.next(0, start)->id == "d");
    CHECK(ids_of(plan_feed.lost(1)) == ids{"c"});
    CHECK_FALSE(plan_feed.done());
    REQUIRE(plan_feed.answered(0, "d"));
    CHECK(plan_feed.done());
}

TEST_CASE("what is given up is what waits")
{
    feed plan_feed(plans({"a", "b", "c"}), 1);
    REQUIRE(plan_feed.next(0, start));
    CHECK(ids_of(plan_feed.abandon()) == ids{"b", "c"});
    CHECK_FALSE(plan_feed.done());
    CHECK(plan_feed.answered(0, "a"));
    CHECK(plan_feed.done());
}

TEST_CASE("the oldest debt moves on as answers come")
{
    using std::chrono::seconds;
    feed plan_feed(plans({"a", "b"}), 2);
    CHECK_FALSE(plan_feed.oldest(0));
    REQUIRE(plan_feed.next(0, start + seconds(1)));
    REQUIRE(plan_feed.next(0, start + seconds(5)));
    CHECK(plan_feed.oldest(0) == start + seconds(1));
    REQUIRE(plan_feed.answered(0, "a"));
    CHECK(plan_feed.oldest(0) == start + seconds(5));
    REQUIRE(plan_feed.answered(0, "b"));
    CHECK_FALSE(plan_feed.oldest(0));
}

TEST_CASE("no plans are done at once")
{
    CHECK(feed({}, 1).done());
}

TEST_SUITE_END();
