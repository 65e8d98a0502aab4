// What is forgotten: by age, by bytes; findings later than the rest.
#include "tests/unit/daemon/history/fixture.hpp"

#include <nlohmann/json.hpp>

using namespace finwait;
using namespace finwait::daemon;
using sample::text;

namespace {

using std::chrono::hours;

/// An audit of that age, with one sound cell, one finding or none, one control.
audit aged(hours age, const std::string& name, bool has_finding)
{
    auto done = sample::named(
        name,
        {sample::cell(kill_point::idle, kill_method::close),
         has_finding ? sample::finding() : sample::cell(kill_point::connect, kill_method::close),
         sample::control(verdict::leaked)}
    );
    const auto then = sample::now() - age;
    done.started = then;
    done.id = make_ulid(sample::now()).replace(0, 10, make_ulid(then).substr(0, 10));
    for (report& each : done.reports)
        each.started = then;
    return done;
}

report large()
{
    auto made = sample::cell(kill_point::idle, kill_method::sigkill);
    made.process = process_record{};
    made.process->output = std::string(4000, 'x');
    return made;
}

} // namespace

TEST_SUITE_BEGIN("daemon/history/quota");

TEST_CASE("what is clean is forgotten sooner than findings, and the last of a name never")
{
    const sample::folder folder;
    auto how = sample::in(folder);
    how.keep_expected = hours(24);
    how.keep_findings = hours(24 * 30);
    sample::opened past(how);
    const auto ancient = aged(hours(24 * 40), "nightly", true);
    const auto found = aged(hours(24 * 10), "nightly", true);
    const auto clean = aged(hours(24 * 9), "nightly", false);
    const auto last_of_name = aged(hours(24 * 35), "retired", false);
    const auto fresh = aged(hours(1), "nightly", false);
    for (const auto* each : {&ancient, &found, &clean, &last_of_name, &fresh})
        past.store(*each);
    past->check();
    past.settle();
    CHECK_FALSE(past->audit(ancient.id));
    CHECK_FALSE(past->report(ancient.reports[1].id));
    CHECK(past->audit(found.id));
    CHECK(past->report(found.reports[1].id));
    CHECK_FALSE(past->report(found.reports[0].id));
    CHECK_FALSE(past->audit(clean.id));
    CHECK_FALSE(past->report(clean.reports[0].id));
    CHECK(past->audit(last_of_name.id));
    CHECK(past->last("retired"));
    CHECK(past->report(fresh.reports[0].id));

    // Reports are forgotten, what came of them is not.
    const auto doc = nlohmann::json::parse(text(past->audit(found.id)));
    CHECK(doc["reports_left_out"] == 2);
    CHECK(doc["reports"].size() == 1);
    CHECK(nlohmann::json::parse(text(past->matrix({.audit = found.id})))["cells"].size() == 3);
    CHECK(nlohmann::json::parse(text(past->diff(fresh.id, found.id)))["only_before"].size() == 1);
}

TEST_CASE("other settings hold from when they are told")
{
    sample::opened past;
    const auto old = aged(hours(48), "nightly", false);
    const auto fresh = aged(hours(1), "nightly", false);
    past.store(old);
    past.store(fresh);
    CHECK(past->report(old.reports[0].id));
    past->keep({.keep_expected = hours(24)});
    past.settle();
    CHECK_FALSE(past->report(old.reports[0].id));
    CHECK(past->report(fresh.reports[0].id));
}

TEST_CASE("a clock that was set back does not make the newest the oldest")
{
    const sample::folder folder;
    auto how = sample::in(folder);
    how.max_bytes = 2 * mebibyte;
    sample::opened past(how);
    const auto at = [](hours age, const char* name) {
        auto done = aged(age, name, false);
        done.reports = std::vector<report>(30, large());
        for (report& each : done.reports)
            each.id = sample::new_id(), each.started = done.started;
        conclude(done);
        return done;
    };
    std::vector<audit> ahead;
    for (int i = 0; i < 20; ++i)
        past.store(ahead.emplace_back(at(hours(-48), "nightly")));
    CHECK_FALSE(past->report(ahead.front().reports[0].id));
    CHECK(past->report(ahead.back().reports[0].id));
    std::vector<audit> now;
    for (int i = 0; i < 5; ++i) {
        past.store(now.emplace_back(at(hours(0), "nightly")));
        for (const audit& each : now) {
            CHECK(past->audit(each.id));
            for (const report& one : each.reports)
                CHECK(past->report(one.id));
        }
    }
    CHECK_FALSE(past->report(ahead[12].reports[0].id));
    for (int i = 0; i < 40; ++i)
        past.store(now.emplace_back(at(hours(0), "nightly")));
    CHECK(past->report(now.back().reports[0].id));
    CHECK_FALSE(past->report(ahead.back().reports[0].id));
    CHECK(past->state().bytes <= 2 * mebibyte);
}

TEST_CASE("the last of a name stays, whatever the clock said")
{
    const sample::folder folder;
    auto how = sample::in(folder);
    how.keep_expected = hours(24);
    how.keep_findings = hours(24);
    sample::opened past(how);
    const auto ahead = aged(hours(48), "nightly", false);
    const auto last = aged(hours(72), "nightly", false);
    const auto other = aged(hours(1), "hourly", false);
    for (const auto* each : {&ahead, &last, &other})
        past.store(*each);
    past->check();
    past.settle();
    CHECK_FALSE(past->audit(ahead.id));
    CHECK(past->audit(last.id));
    REQUIRE(past->last("nightly"));
    CHECK(past->last("nightly")->id == last.id);
}

TEST_CASE("one audit that is more than there may be is cut as well")
{
    const sample::folder folder;
    auto how = sample::in(folder);
    how.max_bytes = mebibyte;
    sample::opened past(how);
    const auto before = sample::named("nightly", {sample::finding()});
    past.store(before);
    const auto done = sample::named("nightly", std::vector<report>(600, large()));
    past.store(done);
    CHECK(past->audit(done.id));
    CHECK_FALSE(past->report(done.reports.front().id));
    CHECK(past->report(done.reports.back().id));
    CHECK(past->state().bytes <= mebibyte);
}

TEST_CASE("there are never more bytes than the quota says, and findings stay longest")
{
    const sample::folder folder;
    sample::folder unused;
    sample::opened in_memory({.path = {}, .max_bytes = 2 * mebibyte});
    auto how = sample::in(folder);
    how.max_bytes = 2 * mebibyte;
    sample::opened in_file(how);
    for (auto* past : {&in_file, &in_memory}) {
        const auto found = sample::named("nightly", {sample::finding()});
        past->store(found);
        std::string last;
        std::uint64_t most = 0;
        for (int i = 0; i < 60; ++i) {
            const auto done = sample::named("nightly", std::vector<report>(30, large()));
            past->store(done);
            last = done.reports.back().id;
            most = std::max(most, (*past)->state().bytes);
        }
        CHECK(most <= 2 * mebibyte);
        CHECK(most > mebibyte / 2);
        CHECK(past->lost == 0);
        CHECK((*past)->report(last));
        CHECK((*past)->report(found.reports[0].id));
        CHECK((*past)->audit(found.id));
        CHECK((*past)->audits({{.limit = 100}}).items.size() < 60);
        // Findings alone are forgotten when there is nothing else left.
        for (int i = 0; i < 60; ++i) {
            std::vector<report> leaks(30, large());
            for (auto& each : leaks)
                each.verdict = verdict::leaked, each.as_expected = false;
            past->store(sample::named("nightly", leaks));
        }
        CHECK((*past)->state().bytes <= 2 * mebibyte);
        CHECK_FALSE((*past)->report(found.reports[0].id));
    }
}

TEST_SUITE_END();
