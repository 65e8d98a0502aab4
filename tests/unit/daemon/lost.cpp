// Every cell of the matrix, lost.
#include "daemon/lost.hpp"

#include "daemon/tally.hpp"
#include "probe/model/possible.hpp"
#include "web/json/json.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace finwait;
using namespace finwait::daemon;

TEST_SUITE_BEGIN("daemon/lost");

TEST_CASE("a lost cell is unverified with its reason, and never a finding or an escape")
{
    for (const plan& each : every_plan()) {
        const report lost = lost_report(
            each, "01K00000000000000000000000", {.code = "worker_died", .text = "signal 9"}
        );
        REQUIRE(lost.verdict == verdict::unverified);
        REQUIRE(lost.control == is_control(each.by));
        REQUIRE(lost.plan == each);
        REQUIRE_FALSE(lost.expected.verdicts.empty());
        REQUIRE_FALSE(is_finding(lost));
        REQUIRE_FALSE(is_escaped(lost));
        REQUIRE(std::any_of(lost.reasons.begin(), lost.reasons.end(), [](const reason& why) {
            return why.code == "worker_died" && why.text == "signal 9";
        }));
    }
}

TEST_CASE("a lost misuse is a control that could not be judged")
{
    json::plan_line line{.plan = {}, .id = "01K00000000000000000000000", .client = {}};
    line.plan.subject = "x:kept";
    line.plan.by = kill_method::own;
    line.client.emplace().command = {"x"};
    CHECK_FALSE(lost_report(line, {.code = "worker_died", .text = "x"}).control);
    line.client->is_misuse = true;
    const report lost = lost_report(line, {.code = "worker_died", .text = "x"});
    CHECK(lost.control);
    CHECK(lost.verdict == verdict::unverified);
    CHECK_FALSE(is_escaped(lost));
}

TEST_CASE("a lost cell's report can be read again")
{
    const report lost =
        lost_report({}, "01K00000000000000000000000", {.code = "worker_died", .text = "x"});
    const auto read = json::parse_report(json::dump(lost));
    REQUIRE(read);
    CHECK(read->verdict == verdict::unverified);
    CHECK(read->id == lost.id);
}

TEST_SUITE_END();
