// What the daemon runs, with scripts that stand in for workers and a history in memory.
#include "daemon/audits/lane.hpp"

#include "daemon/children.hpp"
#include "daemon/lost.hpp"
#include "tests/unit/daemon/folder.hpp"
#include "web/json/json.hpp"

#include <boost/asio/steady_timer.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <map>

using namespace finwait;
using namespace finwait::daemon;
using namespace std::chrono_literals;
using web::run_state;

namespace {

const std::string any_id = "01K00000000000000000000000";

// Enters its lab; `each`: what it does with a plan, whose id is in $id.
std::string worker_script(const std::string& each)
{
    report done = lost_report(plan{}, any_id, {.code = "from_script", .text = "x"});
    return "#!/bin/sh\ncat <<'E'\n" +
           json::dump(environment{.kernel = "6.1", .observers = {"sock_diag"}}) +
           "\nE\nreport() { sed \"s/" + any_id + "/$1/\" <<'E'\n" + json::dump(done) +
           "\nE\n}\nwhile read -r line; do id=${line##*\\\"id\\\":\\\"}; id=${id%%\\\"*}\n" + each +
           "\ndone\n";
}

struct fixture
{
    sample::folder own;
    std::string answers = own.file("answers", worker_script("report $id"), 0700);
    std::string waits = own.file("waits", worker_script(":"), 0700);
    boost::asio::io_context io;
    std::unique_ptr<history> stored = history::open(io, {}, [](const std::string&) {});
    std::vector<web::audit_record> moves;
    std::vector<ended_audit> ends;
    std::vector<web::report_event> reports;
    std::vector<std::string> notes;
    int counted = 0;
    int labs = 0;
    int looks = 0;
    std::unique_ptr<lane> under_test = lane::make(
        io,
        *stored,
        {.audits = 2, .probes = 3, .batch = 28},
        {.noted = [this](const std::string& text) { notes.push_back(text); },
         .entered = [this](const environment&) { ++labs; },
         .moved = [this](const web::audit_record& what) { moves.push_back(what); },
         .reported = [this](const report&) { ++counted; },
         .stored =
             [this](const web::report_event& what) {
                 // Told when it can be read, and not before.
                 CHECK(stored->report(what.id));
                 reports.push_back(what);
             },
         .ended =
             [this](const ended_audit& done) {
                 if (done.is_stored)
                     CHECK(stored->audit(done.id));
                 ends.push_back(done);
             },
         .looked =
             [this] {
                 ++looks;
             }}
    );

    fixture() { become_subreaper(); }

    prepared_audit
    audit_of(const std::string& name, std::size_t cells, const std::string& program) const
    {
        prepared_audit made;
        made.name = name;
        made.key = name;
        made.request.plans.resize(cells);
        made.request.crew.worker.program = program;
        return made;
    }

    prepared_probe probe_at(const std::string& target, const std::string& program) const
    {
        prepared_probe made;
        made.as_asked.target = target;
        made.crew.worker.program = program;
        return made;
    }

    // Turns the event loop until it is so; looks again every few milliseconds, since a process that
    // was started is no event of the loop.
    void until(const std::function<bool()>& holds)
    {
        const auto deadline = std::chrono::steady_clock::now() + 60s;
        boost::asio::steady_timer keeps_it_busy(io, deadline);
        keeps_it_busy.async_wait([](const auto&) {});
        io.restart();
        while (!holds() && std::chrono::steady_clock::now() < deadline)
            (void)io.run_one_for(5ms);
        REQUIRE(holds());
    }
};

} // namespace

TEST_SUITE_BEGIN("daemon/audits/lane");

TEST_CASE_FIXTURE(fixture, "an audit waits, runs, is stored, and is then the history's")
{
    const auto asked = under_test->ask(audit_of("default", 3, answers));
    CHECK(asked.came_out == admission::queued);
    CHECK(under_test->audit(asked.id)->state == run_state::queued);
    CHECK(under_test->underway("default") == asked.id);
    CHECK(under_test->is_underway(asked.id));
    CHECK_FALSE(stored->audit(asked.id));
    until([&] { return !ends.empty(); });
    CHECK(ends[0].is_stored);
    CHECK(ends[0].id == asked.id);
    CHECK(ends[0].what->reports.size() == 3);
    CHECK(ends[0].what->name == "default");
    CHECK(reports.size() == 3);
    CHECK(counted == 3);
    CHECK(labs == 1);
    CHECK(under_test->audit(asked.id) == nullptr);
    CHECK_FALSE(under_test->is_underway(asked.id));
    CHECK_FALSE(under_test->underway("default"));
    CHECK(under_test->workers() == 0);
    REQUIRE(moves.size() >= 3);
    CHECK(moves[0].state == run_state::queued);
    CHECK(moves[1].state == run_state::running);
    CHECK(moves[2].planned == 3);
    CHECK(children_of_self().empty());
}

TEST_CASE_FIXTURE(fixture, "one that runs is joined, another one waits, too many are refused")
{
    const auto first = under_test->ask(audit_of("a", 1, waits));
    until([&] { return under_test->running() != nullptr && under_test->running()->planned == 1; });
    const auto joined = under_test->ask(audit_of("a", 1, waits));
    CHECK(joined.came_out == admission::joined);
    CHECK(joined.id == first.id);
    const auto second = under_test->ask(audit_of("b", 1, answers));
    CHECK(second.came_out == admission::queued);
    CHECK(under_test->ask(audit_of("c", 1, answers)).came_out == admission::queued);
    CHECK(under_test->ask(audit_of("d", 1, answers)).came_out == admission::full);
    CHECK(under_test->waiting().audits == 2);
    CHECK(under_test->cancel_audit(first.id) == removal::running);
    until([&] { return ends.size() == 3; });
    CHECK(ends[0].id == first.id);
    CHECK(ends[0].is_stored);
    CHECK(ends[0].what->interrupted);
    CHECK(ends[0].what->outcome == outcome::unverified);
    CHECK(ends[1].id == second.id);
    CHECK(ends[2].name == "c");
}

TEST_CASE_FIXTURE(fixture, "one that waits is cancelled without having run, and is known to be")
{
    (void)under_test->ask(audit_of("a", 1, answers));
    const auto second = under_test->ask(audit_of("b", 1, answers));
    CHECK(under_test->cancel_audit(second.id) == removal::unqueued);
    CHECK(under_test->cancel_audit(second.id) == removal::unknown);
    CHECK(under_test->audit(second.id)->state == run_state::cancelled);
    CHECK_FALSE(under_test->is_underway(second.id));
    until([&] { return ends.size() == 2; });
    CHECK(std::count_if(ends.begin(), ends.end(), [](const auto& e) { return !e.what; }) == 1);
    CHECK_FALSE(stored->audit(second.id));
    CHECK(under_test->cancel_audit("01K00000000000000000000000") == removal::unknown);
}

TEST_CASE_FIXTURE(fixture, "single probes go before audits that wait, and together")
{
    const auto running = under_test->ask(audit_of("a", 1, waits));
    until([&] { return under_test->running() != nullptr && under_test->running()->planned == 1; });
    (void)under_test->ask(audit_of("b", 1, answers));
    const auto one = under_test->ask(probe_at("origin", answers));
    const auto two = under_test->ask(probe_at("origin", answers));
    REQUIRE(one);
    REQUIRE(two);
    CHECK(under_test->probe(*one)->state == run_state::queued);
    CHECK(under_test->waiting().probes == 2);
    (void)under_test->cancel_audit(running.id);
    until([&] { return ends.size() == 2; });
    REQUIRE(reports.size() == 3);
    CHECK(reports[0].audit.empty());
    CHECK(reports[1].audit.empty());
    CHECK_FALSE(reports[2].audit.empty());
    CHECK(under_test->probe(*one)->state == run_state::done);
    CHECK(stored->report(*two));
    CHECK_FALSE(under_test->is_underway(*one));
}

TEST_CASE_FIXTURE(fixture, "a probe is cancelled while it waits and while it runs")
{
    const auto one = under_test->ask(probe_at("origin", waits));
    const auto other = under_test->ask(probe_at("elsewhere", waits));
    until([&] { return under_test->workers() == 1 && labs == 1; });
    CHECK(under_test->cancel_probe(*other) == probe_removal::withdrawn);
    CHECK(under_test->cancel_probe(*one) == probe_removal::running);
    CHECK(under_test->cancel_probe(*one) == probe_removal::over);
    CHECK(under_test->probe(*one)->state == run_state::cancelled);
    CHECK(under_test->workers() == 0);
    CHECK(children_of_self().empty());
    for (int i = 0; i < 3; ++i)
        CHECK(under_test->ask(probe_at("origin", answers)));
    CHECK_FALSE(under_test->ask(probe_at("origin", answers)));
}

TEST_CASE_FIXTURE(fixture, "reports of a target have its name and not its URL")
{
    auto shop = audit_of("shop", 1, answers);
    shop.target = "shop";
    shop.request.plans[0].plan.target = "https://shop.example/?token=secret";
    (void)under_test->ask(std::move(shop));
    until([&] { return !ends.empty(); });
    const auto text = stored->report(reports.at(0).id);
    REQUIRE(text);
    CHECK(json::parse_report(*text)->plan.target == "shop");
    CHECK(ends[0].what->reports[0].plan.target == "shop");
}

TEST_CASE_FIXTURE(fixture, "programs are asked for before the audit that needs them")
{
    recipe absent;
    absent.name = "gone";
    absent.version_command = {"/nonexistent/finwait-no-such-program"};
    absent.install = "apt install gone";
    auto made = audit_of("a", 1, answers);
    made.request.plans[0].plan.subject = "gone";
    made.request.plans[0].plan.by = kill_method::own;
    made.recipes = {absent};
    (void)under_test->ask(std::move(made));
    until([&] { return !ends.empty(); });
    CHECK(looks == 1);
    REQUIRE(ends[0].what);
    CHECK(ends[0].what->reports.empty());
    REQUIRE(ends[0].what->environment.not_run.size() == 1);
    CHECK(ends[0].what->environment.not_run[0].what == "gone");
    CHECK_FALSE(under_test->programs().at("gone").is_there);
}

TEST_CASE_FIXTURE(fixture, "an audit is cancelled while programs are asked for")
{
    recipe slow;
    slow.name = "slow";
    slow.version_command = {own.file("slow", "#!/bin/sh\nexec tail -f /dev/null\n", 0700)};
    auto made = audit_of("a", 1, answers);
    made.recipes = {slow};
    const auto asked = under_test->ask(std::move(made));
    until([&] { return !children_of_self().empty(); });
    CHECK(under_test->cancel_audit(asked.id) == removal::running);
    CHECK(children_of_self().empty());
    until([&] { return !ends.empty(); });
    CHECK_FALSE(ends[0].what);
    CHECK(under_test->audit(asked.id)->state == run_state::cancelled);
    CHECK(looks == 0);
    // The lane is free.
    (void)under_test->ask(audit_of("b", 1, answers));
    until([&] { return ends.size() == 2; });
    CHECK(ends[1].is_stored);
}

TEST_CASE_FIXTURE(
    fixture, "stopped in the middle it leaves no process, and what had begun is stored"
)
{
    const auto asked = under_test->ask(audit_of("a", 1, waits));
    until([&] { return under_test->running() != nullptr && under_test->running()->planned == 1; });
    under_test->stop();
    under_test->stop();
    CHECK(children_of_self().empty());
    stored->flush();
    const auto text = stored->audit(asked.id);
    REQUIRE(text);
    CHECK(text->find("\"interrupted\":true") != std::string::npos);
    io.restart();
    io.poll();
    CHECK(ends.empty());
}

TEST_CASE_FIXTURE(fixture, "a target that is not ours is asked no faster than it is allowed")
{
    auto shop = audit_of("shop", 3, answers);
    shop.target = "shop";
    shop.request.crew.jobs = 1;
    shop.request.crew.pace = 150ms;
    const auto began = std::chrono::steady_clock::now();
    auto again = audit_of("again", 1, answers);
    again.target = "shop";
    again.request.crew.pace = 150ms;
    (void)under_test->ask(std::move(shop));
    (void)under_test->ask(std::move(again));
    until([&] { return ends.size() == 2; });
    CHECK(ends[0].what->reports.size() == 3);
    // Four cells, three pauses between them: never less, whatever the machine does.
    CHECK(std::chrono::steady_clock::now() - began >= 450ms);
}

TEST_SUITE_END();
