// A crew with workers that misbehave in every way: scripts that stand in for the program.
#include "daemon/crew.hpp"

#include "daemon/children.hpp"
#include "daemon/lost.hpp"
#include "web/json/json.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include <sys/stat.h>

using namespace finwait;
using namespace finwait::daemon;

namespace {

const std::string any_id = "01K00000000000000000000000";

// What a script may use: `enter` says the environment, `report ID` a report, `take` reads the next
// plan and sets id.
std::string prologue()
{
    const environment where{.kernel = "6.1", .lab = lab_kind::host};
    report done = lost_report({}, any_id, {.code = "from_script", .text = "x"});
    return "#!/bin/sh\n"
           "enter() { cat <<'E'\n" +
           json::dump(where) +
           "\nE\n}\n"
           "report() { sed \"s/" +
           any_id + "/$1/\" <<'E'\n" + json::dump(done) +
           "\nE\n}\n"
           "take() { read -r line || exit 0\n"
           "id=${line##*\\\"id\\\":\\\"}; id=${id%%\\\"*}; }\n";
}

// A program in a folder of its own.
class script
{
public:
    explicit script(const std::string& text)
    {
        REQUIRE(::mkdtemp(folder_.data()) != nullptr);
        std::ofstream(path()) << prologue() << "d=" << folder_ << "\n" << text;
        REQUIRE(::chmod(path().c_str(), 0700) == 0);
    }
    ~script()
    {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    script(const script&) = delete;
    script& operator=(const script&) = delete;
    std::string path() const { return folder_ + "/worker"; }

private:
    std::string folder_ = "/tmp/finwait-crew-XXXXXX";
};

struct outcome_of_crew
{
    std::vector<report> reports;
    std::vector<std::string> notes;
    std::string kernel; ///< as entered() was told
    bool finished = false;

    std::size_t with_reason(std::string_view code) const
    {
        return static_cast<std::size_t>(std::count_if(
            reports.begin(),
            reports.end(),
            [&](const report& r) { return !r.reasons.empty() && r.reasons[0].code == code; }
        ));
    }
    bool noted(std::string_view text) const
    {
        return std::any_of(notes.begin(), notes.end(), [&](const std::string& note) {
            return note.find(text) != std::string::npos;
        });
    }
};

std::vector<json::plan_line> plans(unsigned count)
{
    std::vector<json::plan_line> lines;
    for (unsigned i = 0; i < count; ++i)
        lines.push_back({.plan = {}, .id = "01K0000000000000000000" + std::to_string(1000 + i)});
    return lines;
}

struct crew_shape
{
    unsigned plans = 1;
    unsigned jobs = 1;
    unsigned in_flight = 1;
    std::chrono::milliseconds patience = std::chrono::minutes(2);
};

// Runs a crew to its end. Checks what holds whatever the workers do: a report for each plan, the
// crew's end told once, and no process left.
outcome_of_crew run(const std::string& program, crew_shape shape)
{
    become_subreaper();
    outcome_of_crew out;
    net::io_context io;
    crew_options how{.jobs = shape.jobs, .patience = shape.patience};
    how.worker.in_flight = shape.in_flight;
    how.worker.program = program;
    const auto workers = crew::make(
        io,
        how,
        {.entered =
             [&](const environment& where) {
                 out.kernel = where.kernel;
                 return plans(shape.plans);
             },
         .reported = [&](report done, std::string_view) { out.reports.push_back(std::move(done)); },
         .noted = [&](const std::string& text) { out.notes.push_back(text); },
         .finished =
             [&] {
                 CHECK_FALSE(out.finished);
                 out.finished = true;
             }}
    );
    workers->start();
    io.run();
    CHECK(out.finished);
    CHECK(workers->workers() == 0);
    CHECK(children_of_self().empty());
    std::set<std::string> ids;
    for (const report& each : out.reports)
        ids.insert(each.id);
    CHECK(ids.size() == shape.plans);
    CHECK(out.reports.size() == shape.plans);
    return out;
}

} // namespace

TEST_SUITE_BEGIN("daemon/crew");

TEST_CASE("workers that work: every plan is answered, by several at once, without a note")
{
    const script worker("enter; while take; do report $id; done");
    const auto out = run(worker.path(), {.plans = 23, .jobs = 3, .in_flight = 2});
    CHECK(out.with_reason("from_script") == 23);
    CHECK(out.notes.empty());
    CHECK(out.kernel == "6.1");
}

TEST_CASE("a worker that dies is replaced, and only what it had is lost")
{
    // The first worker dies with two plans in hand, the others work.
    const script worker("enter; if mkdir $d/first 2>/dev/null; then take; take; kill -9 $$; fi\n"
                        "while take; do report $id; done");
    const auto out = run(worker.path(), {.plans = 9, .in_flight = 2});
    CHECK(out.with_reason("worker_died") == 2);
    CHECK(out.with_reason("from_script") == 7);
    CHECK(out.noted("signal 9; 2 probes were in flight"));
}

TEST_CASE("what a dying worker had already written counts")
{
    const script worker("enter; take; report $id; take; report $id; kill -9 $$");
    const auto out = run(worker.path(), {.plans = 2, .in_flight = 2});
    CHECK(out.with_reason("from_script") == 2);
}

TEST_CASE("workers that always die are given up, and what is left is unverified")
{
    SUBCASE("before they enter the lab")
    {
        const script worker("exit 7");
        const auto out = run(worker.path(), {.plans = 50});
        CHECK(out.with_reason("worker_died") == 50);
        CHECK(out.kernel.empty());
        CHECK(out.noted("exit status 7"));
        CHECK(out.notes.size() == 3);
    }
    SUBCASE("with a plan in hand")
    {
        const script worker("enter; take; kill -9 $$");
        const auto out = run(worker.path(), {.plans = 50});
        CHECK(out.with_reason("worker_died") == 50);
        CHECK(out.notes.size() == 3);
    }
    SUBCASE("there is no such program")
    {
        const auto out = run("/no/such/program", {.plans = 3, .jobs = 2});
        CHECK(out.with_reason("worker_died") == 3);
        CHECK(out.noted("cannot start a worker: No such file or directory"));
    }
}

TEST_CASE("a worker that falls silent is killed, before and after it has entered the lab")
{
    const std::chrono::milliseconds patience(300);
    SUBCASE("before")
    {
        const script worker("exec sleep 1000");
        CHECK(run(worker.path(), {.plans = 1, .patience = patience}).noted("was killed"));
    }
    SUBCASE("after")
    {
        const script worker("enter; exec sleep 1000");
        const auto out = run(worker.path(), {.plans = 1, .patience = patience});
        CHECK(out.noted("silent"));
        CHECK(out.with_reason("worker_died") == 1);
    }
    SUBCASE("when it should end")
    {
        const script worker("enter; take; report $id; exec sleep 1000");
        const auto out = run(worker.path(), {.plans = 1, .patience = patience});
        CHECK(out.with_reason("from_script") == 1);
        CHECK(out.noted("had done its work"));
    }
}

TEST_CASE("a worker that says what it should not is not listened to any more")
{
    const char* const wrong[] = {
        "echo rubbish",
        "echo '{\"schema\":\"finwait.report/1\"}'",
        "report 01K0000000000000000000000Z",
        "report $id; report $id",
        "echo '{\"schema\":\"finwait.error/1\"}'",
        "head -c 5000000 /dev/zero | tr '\\0' x; echo",
    };
    for (const char* const what : wrong) {
        CAPTURE(what);
        const script worker(std::string("enter; take; ") + what + "; exec sleep 1000");
        const auto out = run(worker.path(), {.plans = 2});
        CHECK(out.noted("was killed"));
        CHECK(out.with_reason("worker_died") >= 1);
    }
}

TEST_CASE("a plan that a worker refuses is unverified with the worker's reason")
{
    const std::string error =
        json::dump_error(1, any_id, {.field = "by", .detail = "it \"cannot\" be"});
    const script worker(
        "enter; take; sed \"s/" + any_id + "/$id/\" <<'E'\n" + error +
        "\nE\nwhile take; do report $id; done"
    );
    const auto out = run(worker.path(), {.plans = 3});
    CHECK(out.with_reason("refused") == 1);
    CHECK(out.with_reason("from_script") == 2);
    CHECK(out.notes.empty());
}

TEST_CASE("what a dead worker leaves behind is killed, also when it holds the pipe")
{
    const script worker(
        "enter; take; (trap '' TERM; sleep 1000 & sleep 1000) & report $id; kill -9 $$"
    );
    const auto out = run(worker.path(), {.plans = 1});
    CHECK(out.with_reason("from_script") == 1);
}

TEST_CASE("a crew without plans ends")
{
    const script worker("enter; while take; do report $id; done");
    CHECK(run(worker.path(), {.plans = 0, .jobs = 2}).notes.empty());
}

TEST_CASE("a crew that is stopped leaves nothing and says nothing more")
{
    become_subreaper();
    const script worker("enter; take; sleep 1000 & sleep 1000");
    net::io_context io;
    bool is_stopped = false;
    std::unique_ptr<crew> workers;
    crew_options how{.jobs = 2};
    how.worker.program = worker.path();
    workers = crew::make(
        io,
        how,
        {.entered =
             [&](const environment&) {
                 net::post(io, [&] {
                     workers->stop();
                     is_stopped = true;
                 });
                 return plans(10);
             },
         .reported = [&](const report&, std::string_view) { CHECK_FALSE(is_stopped); },
         .noted = [&](const std::string&) { CHECK_FALSE(is_stopped); },
         .finished =
             [&] {
                 FAIL("it did not finish");
             }}
    );
    workers->start();
    io.run();
    CHECK(is_stopped);
    CHECK(children_of_self().empty());
    workers->stop(); // harmless
}

TEST_SUITE_END();
