// Outcomes and exit statuses.
#include "daemon/tally.hpp"

#include "tests/unit/daemon/sample.hpp"

#include <doctest/doctest.h>

using namespace finwait;
using namespace finwait::daemon;
using sample::cell;
using sample::concluded;
using sample::control;
using sample::finding;

namespace {

report released()
{
    return cell(kill_point::idle, kill_method::close);
}

report unverified()
{
    return cell(kill_point::idle, kill_method::sigkill, verdict::unverified);
}

} // namespace

TEST_SUITE_BEGIN("daemon/tally");

TEST_CASE("the outcome is the worst: void, then findings, then unverified, then clean")
{
    struct row
    {
        const char* what;
        std::vector<report> reports;
        finwait::outcome outcome;
        exit_code exit;
    };
    const row rows[] = {
        {"nothing", {}, outcome::unverified, exit_code::unjudged},
        {"released", {released()}, outcome::clean, exit_code::clean},
        {"a caught control",
         {released(), control(verdict::leaked)},
         outcome::clean,
         exit_code::clean},
        {"a control alone", {control(verdict::leaked)}, outcome::clean, exit_code::clean},
        {"unverified", {released(), unverified()}, outcome::unverified, exit_code::unjudged},
        {"a control not judged",
         {released(), control(verdict::unverified)},
         outcome::unverified,
         exit_code::unjudged},
        {"leaked", {released(), finding()}, outcome::findings, exit_code::finding},
        {"other than expected",
         {released(), finding(verdict::held)},
         outcome::findings,
         exit_code::finding},
        {"a finding beats an unverified cell",
         {unverified(), finding()},
         outcome::findings,
         exit_code::finding},
        {"a finding beats a control not judged",
         {control(verdict::unverified), finding()},
         outcome::findings,
         exit_code::finding},
        {"an escaped control beats a finding",
         {finding(), control(verdict::released)},
         outcome::void_,
         exit_code::unjudged},
        {"held is no catch", {control(verdict::held)}, outcome::void_, exit_code::unjudged},
    };
    for (const row& each : rows) {
        CAPTURE(each.what);
        const audit done = concluded(each.reports);
        CHECK(word(done.outcome) == word(each.outcome));
        CHECK(exit_of(done) == each.exit);
    }
}

TEST_CASE("an interrupted audit is never clean")
{
    audit done;
    done.reports = {released()};
    done.interrupted = true;
    conclude(done);
    CHECK(done.outcome == outcome::unverified);
    done.reports.push_back(finding());
    conclude(done);
    CHECK(done.outcome == outcome::findings);
}

TEST_CASE("the summary has every verdict, and no controls")
{
    const audit done = concluded(
        {released(),
         released(),
         unverified(),
         finding(),
         control(verdict::leaked),
         control(verdict::held)}
    );
    CHECK(done.summary.size() == all_of<verdict>().size());
    CHECK(done.summary.at(verdict::released) == 2);
    CHECK(done.summary.at(verdict::unverified) == 1);
    CHECK(done.summary.at(verdict::leaked) == 1);
    CHECK(done.summary.at(verdict::held) == 0);
    CHECK(done.summary.at(verdict::draining) == 0);
    CHECK(done.controls_planned == 2);
    CHECK(done.controls_caught == 1);
    CHECK(done.findings == std::vector<std::string>{done.reports[3].id});
}

TEST_CASE("concluding twice is as once")
{
    audit done = concluded({released(), finding(), control(verdict::leaked)});
    const audit before = done;
    conclude(done);
    CHECK(done == before);
}

TEST_CASE("one probe's exit: a control is clean when it was caught")
{
    CHECK(exit_of(released()) == exit_code::clean);
    CHECK(exit_of(control(verdict::leaked)) == exit_code::clean);
    CHECK(exit_of(control(verdict::released)) == exit_code::unjudged);
    CHECK(exit_of(control(verdict::unverified)) == exit_code::unjudged);
    CHECK(exit_of(unverified()) == exit_code::unjudged);
    CHECK(exit_of(finding()) == exit_code::finding);
    CHECK(exit_of(finding(verdict::draining)) == exit_code::finding);
}

TEST_SUITE_END();
