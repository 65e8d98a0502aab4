// What the daemon remembers, in which form, and what it forgets.
#include "daemon/history.hpp"

#include "tests/unit/daemon/sample.hpp"
#include "web/json/json.hpp"

#include <doctest/doctest.h>

using namespace finwait;
using namespace finwait::daemon;

namespace {

std::string id_of(unsigned number)
{
    return "01K0000000000000000000" + std::to_string(1000 + number);
}

audit numbered(unsigned number, outcome which = outcome::clean)
{
    audit done = sample::concluded(
        {sample::cell(kill_point::idle, kill_method::close),
         sample::finding(),
         sample::control(verdict::leaked)}
    );
    done.id = id_of(number);
    done.outcome = which;
    for (unsigned i = 0; i < done.reports.size(); ++i)
        done.reports[i].id = "01K000000000000000" + std::to_string(10'000'000 + number * 10 + i);
    return done;
}

} // namespace

TEST_SUITE_BEGIN("daemon/history");

TEST_CASE("an empty history knows nothing")
{
    const history none;
    CHECK_FALSE(none.latest());
    CHECK_FALSE(none.latest_matrix());
    CHECK_FALSE(none.full(id_of(1)));
    CHECK_FALSE(none.report(id_of(1)));
    CHECK(none.page({}).audits.empty());
    CHECK_FALSE(none.page({}).next);
}

TEST_CASE("every report of an audit is found, with its own text")
{
    history past;
    const audit done = numbered(1);
    past.add(done);
    CHECK(*past.latest() == json::dump(done));
    CHECK(*past.full(done.id) == json::dump(done));
    CHECK(*past.matrix(done.id) == json::dump_matrix(done));
    for (const report& each : done.reports) {
        REQUIRE(past.report(each.id));
        CHECK(*past.report(each.id) == json::dump(each));
    }
}

TEST_CASE("a list goes from the newest to the oldest, page by page")
{
    history past;
    for (unsigned i = 0; i < 5; ++i)
        past.add(numbered(i, i % 2 == 0 ? outcome::clean : outcome::findings));
    auto page = past.page({.limit = 2});
    REQUIRE(page.audits.size() == 2);
    CHECK(*page.audits[0] == json::dump_brief(numbered(4)));
    CHECK(page.next == id_of(3));
    page = past.page({.limit = 2, .older_than = page.next});
    CHECK(page.next == id_of(1));
    page = past.page({.limit = 2, .older_than = page.next});
    CHECK(page.audits.size() == 1);
    CHECK_FALSE(page.next);
    CHECK(past.page({.outcome = outcome::findings}).audits.size() == 2);
    CHECK(past.page({.outcome = outcome::void_}).audits.empty());
    CHECK_FALSE(past.page({.limit = 5}).next);
}

TEST_CASE("what no longer fits is remembered without its reports, and the newest always fits")
{
    const std::size_t one = json::dump(numbered(0)).size() + json::dump_matrix(numbered(0)).size();
    history past({.audits = 3, .full_bytes = one * 5 / 2});
    for (unsigned i = 0; i < 5; ++i)
        past.add(numbered(i));
    CHECK(*past.full(id_of(4)) == json::dump(numbered(4)));
    CHECK(*past.full(id_of(3)) == json::dump(numbered(3)));
    CHECK(*past.full(id_of(2)) == json::dump_brief(numbered(2)));
    CHECK_FALSE(past.matrix(id_of(2)));
    CHECK_FALSE(past.report(numbered(2).reports[0].id));
    CHECK(past.report(numbered(3).reports[0].id));
    CHECK_FALSE(past.full(id_of(1)));
    history small({.audits = 3, .full_bytes = 0});
    small.add(numbered(0));
    CHECK(small.report(numbered(0).reports[2].id));
}

TEST_SUITE_END();
