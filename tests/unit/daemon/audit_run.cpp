// What an environment, and a machine without a subject's program, leave of an audit.
#include "daemon/audit_run.hpp"

#include "daemon/children.hpp"
#include "daemon/crew_choice.hpp"
#include "tests/unit/daemon/folder.hpp"
#include "web/json/json.hpp"

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include <string>
#include <utility>

using namespace finwait;
using namespace finwait::daemon;

namespace {

json::plan_line cell_of(const std::string& subject)
{
    json::plan_line line;
    line.plan.subject = subject;
    line.plan.by = kill_method::own;
    line.client.emplace().command = {"x"};
    line.client->is_misuse = subject.find(':') != std::string::npos;
    return line;
}

// Runs an audit whose worker enters its lab and is never given anything.
audit run(audit_request request)
{
    const sample::folder own;
    request.crew.worker.program = own.file(
        "worker",
        "#!/bin/sh\ncat <<'E'\n" + json::dump(environment{.kernel = "6.1"}) +
            "\nE\nif read -r line; then echo not expected; fi\n",
        0700
    );
    become_subreaper();
    net::io_context io;
    audit out;
    const auto running = audit_run::start(
        io,
        std::move(request),
        {.planned = [](std::size_t) {},
         .reported = [](const report&, std::string_view) {},
         .noted = [](const std::string& text) { FAIL_CHECK(text); },
         .finished =
             [&](audit done) {
                 out = std::move(done);
                 io.stop();
             }}
    );
    io.run();
    return out;
}

} // namespace

TEST_SUITE_BEGIN("daemon/audit_run");

TEST_CASE("an environment's limits concern a plan by its words, and its subject's program by name")
{
    environment where;
    where.not_run = {{"sock_destroy", "no right", "root"}, {"httpx", "no module", "apt install"}};
    plan wanted;
    CHECK_FALSE(why_not_here(wanted, where));
    wanted.by = kill_method::sock_destroy;
    CHECK(why_not_here(wanted, where)->what == "sock_destroy");
    wanted.by = kill_method::own;
    for (const char* subject : {"httpx", "httpx:kept"}) {
        wanted.subject = subject;
        REQUIRE(why_not_here(wanted, where));
        CHECK(why_not_here(wanted, where)->what == "httpx");
    }
    for (const char* subject : {"http", "httpx2", "x:httpx"}) {
        wanted.subject = subject;
        CHECK_FALSE(why_not_here(wanted, where));
    }
}

TEST_CASE("a subject that is absent is told, and its cells are left out")
{
    audit_request request;
    request.plans = {cell_of("gone"), cell_of("gone:kept")};
    request.absent = {{"gone", "no x", "apt install x"}};
    const audit done = run(std::move(request));
    CHECK(done.reports.empty());
    REQUIRE(done.environment.not_run.size() == 1);
    CHECK((done.environment.not_run[0] == not_run{"gone", "no x", "apt install x"}));
    CHECK(done.environment.kernel == "6.1");
}

TEST_CASE("one that was named is unverified, with what to install")
{
    audit_request request;
    request.plans = {cell_of("gone"), cell_of("gone:kept")};
    request.absent = {{"gone", "no x", "apt install x"}};
    request.by_name = {"gone"};
    const audit done = run(std::move(request));
    REQUIRE(done.reports.size() == 2);
    CHECK(done.outcome == outcome::unverified);
    CHECK(done.controls_planned == 1);
    for (const report& each : done.reports) {
        CHECK(each.verdict == verdict::unverified);
        REQUIRE_FALSE(each.reasons.empty());
        CHECK(each.reasons[0].text.find("no x; cure: apt install x") != std::string::npos);
    }
}

TEST_CASE("programs are fewer at once, and are waited for as long as they may take")
{
    std::vector<json::plan_line> plans(2);
    const auto built_in = choose_crew(plans, 0, 0);
    CHECK(built_in.worker.in_flight == audit_in_flight);
    plans.push_back(cell_of("x"));
    plans.back().client->settle = {std::chrono::minutes(5)};
    const auto crew = choose_crew(plans, 0, 0);
    CHECK(crew.worker.in_flight == audit_in_flight_of_programs);
    CHECK(crew.patience >= built_in.patience + std::chrono::minutes(5));
    CHECK(choose_crew(plans, 3, 9).worker.in_flight == 9);
    CHECK(choose_crew(plans, 3, 9).jobs == 3);
}

TEST_SUITE_END();
