// The life of findings over the audits of one name, and what two audits have apart.
#include "tests/unit/daemon/history/fixture.hpp"
#include "web/json/history.hpp"

#include <nlohmann/json.hpp>

using namespace finwait;
using namespace finwait::daemon;
using sample::text;
using sample::texts;

namespace {

report leaking(kill_point at = kill_point::request_body)
{
    auto made = sample::finding();
    made.plan = sample::cell(at, kill_method::close).plan;
    return made;
}

report sound(kill_point at = kill_point::request_body)
{
    return sample::cell(at, kill_method::close);
}

report unjudged(kill_point at = kill_point::request_body)
{
    return sample::cell(at, kill_method::close, verdict::unverified);
}

struct life_of_findings
{
    sample::opened past;

    audit store(std::vector<report> reports, const std::string& name = "nightly")
    {
        auto done = sample::named(name, std::move(reports));
        past.store(done);
        return done;
    }
    nlohmann::json list(web::finding_query wanted = {}) const
    {
        auto all = nlohmann::json::array();
        for (const auto& each : texts(past->findings(wanted)))
            all.push_back(nlohmann::json::parse(each));
        return all;
    }
    nlohmann::json diff(const audit& after, const audit& before) const
    {
        return nlohmann::json::parse(text(past->diff(after.id, before.id)));
    }
};

} // namespace

TEST_SUITE_BEGIN("daemon/history/lives");

TEST_CASE_FIXTURE(life_of_findings, "a finding is new, still there, gone, and new again")
{
    const auto first = store({leaking()});
    auto all = list();
    REQUIRE(all.size() == 1);
    CHECK(all[0]["schema"] == "finwait.finding/1");
    CHECK(all[0]["id"] == first.reports[0].id);
    CHECK(all[0]["name"] == "nightly");
    CHECK(all[0]["state"] == "new");
    CHECK(all[0]["seen_in"] == 1);
    CHECK(all[0]["gone_since"].is_null());
    CHECK(all[0]["cell"]["at"] == "request_body");
    CHECK(all[0]["cell"]["by"] == "close");
    CHECK(all[0]["verdict"] == "leaked");
    CHECK(all[0]["reasons"][0]["code"] == "owned_fin_wait2");
    CHECK(past->finding_counts() == finding_counts{.new_ones = 1});

    const auto second = store({leaking()});
    all = list();
    REQUIRE(all.size() == 1);
    CHECK(all[0]["id"] == first.reports[0].id);
    CHECK(all[0]["state"] == "still_there");
    CHECK(all[0]["seen_in"] == 2);
    CHECK(all[0]["first_audit"] == first.id);
    CHECK(all[0]["last_audit"] == second.id);
    CHECK(all[0]["last_report"] == second.reports[0].id);
    CHECK(past->finding_counts() == finding_counts{.still_there = 1});
    CHECK(past->open_findings() == 1);

    const auto third = store({sound()});
    all = list();
    REQUIRE(all.size() == 1);
    CHECK(all[0]["state"] == "gone");
    CHECK(all[0]["gone_since"].is_string());
    CHECK(all[0]["last_audit"] == third.id);
    CHECK(past->finding_counts() == finding_counts{.gone = 1});
    CHECK(past->open_findings() == 0);

    const auto fourth = store({leaking()});
    all = list();
    REQUIRE(all.size() == 2);
    CHECK(all[0]["id"] == fourth.reports[0].id);
    CHECK(all[0]["state"] == "new");
    CHECK(all[1]["state"] == "gone");
    // Gone since an earlier audit than the last: no news any more.
    CHECK(past->finding_counts() == finding_counts{.new_ones = 1});
}

TEST_CASE_FIXTURE(life_of_findings, "what was not run or not judged says nothing")
{
    const auto first = store({leaking(), leaking(kill_point::idle)});
    store({sound(kill_point::connect), unjudged(kill_point::connect)});
    store({unjudged()});
    CHECK(past->finding_counts() == finding_counts{.new_ones = 2});
    store({leaking(), unjudged(), unjudged(kill_point::idle)});
    CHECK(past->finding_counts() == finding_counts{.new_ones = 1, .still_there = 1});
    store({sound(), unjudged()});
    CHECK(past->finding_counts() == finding_counts{.new_ones = 1, .gone = 1});
    CHECK(list({{}, web::finding_state::new_, {}})[0]["id"] == first.reports[1].id);
}

TEST_CASE_FIXTURE(life_of_findings, "one leak in many repetitions is a finding")
{
    store({sound(), sound(), leaking(), sound()});
    CHECK(past->finding_counts() == finding_counts{.new_ones = 1});
    CHECK(list()[0]["verdict"] == "leaked");
}

TEST_CASE_FIXTURE(life_of_findings, "a void audit, a control and a single probe say nothing")
{
    store({leaking()});
    store({sound(), sample::control(verdict::released)});
    CHECK(past->finding_counts() == finding_counts{.new_ones = 1});
    store({sample::control(verdict::leaked)});
    CHECK(past->finding_counts() == finding_counts{.new_ones = 1});
    store({leaking(kill_point::idle)}, std::string(single_probe));
    CHECK(past->finding_counts() == finding_counts{.new_ones = 1});
}

TEST_CASE_FIXTURE(life_of_findings, "each name has findings of its own")
{
    store({leaking()}, "nightly");
    store({leaking()}, "hourly");
    store({sound()}, "hourly");
    CHECK(past->finding_counts() == finding_counts{.new_ones = 1, .gone = 1});
    CHECK(list({{}, {}, "nightly"})[0]["state"] == "new");
    CHECK(list({{}, {}, "hourly"})[0]["state"] == "gone");
    CHECK(list({{}, web::finding_state::gone, "nightly"}).empty());
    web::finding_query one;
    one.limit = 1;
    const auto page = past->findings(one);
    REQUIRE(page.next);
    one.older_than = page.next;
    CHECK(past->findings(one).items.size() == 1);
    CHECK_FALSE(past->findings(one).next);
}

TEST_CASE_FIXTURE(life_of_findings, "a cell that is no longer planned has no finding")
{
    const auto first = store({leaking(), leaking(kill_point::idle)});
    auto cancelled = sample::named("nightly", {leaking()});
    cancelled.interrupted = true;
    conclude(cancelled);
    past.store(cancelled);
    CHECK(past->finding_counts() == finding_counts{.new_ones = 1, .still_there = 1});
    auto fewer = sample::named("nightly", {leaking()});
    SUBCASE("it was not possible this time")
    {
        std::string what;
        SUBCASE("by kill point")
        {
            what = "idle";
        }
        SUBCASE("by kill method")
        {
            what = "close";
        }
        SUBCASE("by client")
        {
            what = first.reports[1].plan.subject;
        }
        fewer.environment.not_run.push_back({what, "no right", "a right"});
        past.store(fewer);
        CHECK(past->finding_counts() == finding_counts{.new_ones = 1, .still_there = 1});
    }
    SUBCASE("it is planned no more")
    {
        past.store(fewer);
        CHECK(past->finding_counts() == finding_counts{.still_there = 1, .gone = 1});
        const auto gone = list({{}, web::finding_state::gone, {}});
        REQUIRE(gone.size() == 1);
        CHECK(gone[0]["id"] == first.reports[1].id);
        CHECK(gone[0]["last_audit"] == first.id); // the last that ran its cell
        CHECK(gone[0]["gone_since"].is_string());
        store({leaking()});
        CHECK(past->finding_counts() == finding_counts{.still_there = 1});
    }
}

TEST_CASE_FIXTURE(life_of_findings, "an audit that was cut short ends no finding")
{
    store({leaking()});
    auto cancelled = sample::named("nightly", {sound()}); // one of several repetitions
    cancelled.interrupted = true;
    conclude(cancelled);
    past.store(cancelled);
    CHECK(past->finding_counts() == finding_counts{.new_ones = 1});
}

TEST_CASE_FIXTURE(life_of_findings, "an audit of which reports are missing ends no finding")
{
    store({leaking()});
    auto done = sample::named("nightly", {sound(), sound()});
    past.begin(done);
    past.add(done, done.reports[0]);
    past->end(done);
    past.settle();
    CHECK(past->finding_counts() == finding_counts{.new_ones = 1});
}

TEST_CASE_FIXTURE(life_of_findings, "findings of audits that nobody configured are not counted")
{
    store({leaking(), leaking(kill_point::idle)}, std::string(not_configured));
    CHECK(list().size() == 2);
    CHECK(past->open_findings() == 0);
    store({sound()}, std::string(not_configured));
    CHECK(past->finding_counts() == finding_counts{});
    // Each of these audits has cells of its own.
    CHECK(list({{}, web::finding_state::new_, {}}).size() == 1);
    past->retire({});
    past.settle();
    CHECK(list({{}, web::finding_state::new_, {}}).size() == 1);
}

TEST_CASE_FIXTURE(life_of_findings, "findings of audits that are no longer configured are gone")
{
    const auto nightly = store({leaking()}, "nightly");
    store({leaking()}, "hourly");
    past->retire({"hourly", "nightly"});
    past.settle();
    CHECK(past->finding_counts() == finding_counts{.new_ones = 2});
    past->retire({"hourly"});
    past.settle();
    CHECK(past->finding_counts() == finding_counts{.new_ones = 1});
    const auto gone = list({{}, web::finding_state::gone, {}});
    REQUIRE(gone.size() == 1);
    CHECK(gone[0]["id"] == nightly.reports[0].id);
    CHECK(gone[0]["gone_since"].is_string());
    store({leaking()}, "nightly");
    CHECK(past->finding_counts() == finding_counts{.new_ones = 2});
}

TEST_CASE_FIXTURE(life_of_findings, "the end of an audit counts once")
{
    const auto done = store({leaking()});
    past->end(done);
    past.settle();
    CHECK(past->finding_counts() == finding_counts{.new_ones = 1});
}

TEST_CASE_FIXTURE(life_of_findings, "what the last audit ended counts, whatever the clock said")
{
    past.store(sample::shifted(sample::named("nightly", {leaking()}), std::chrono::hours(24)));
    store({sound()});
    CHECK(past->finding_counts() == finding_counts{.gone = 1});
    store({sound()});
    CHECK(past->finding_counts() == finding_counts{});
}

TEST_CASE_FIXTURE(life_of_findings, "a difference has each cell in one list")
{
    auto slow = sound(kill_point::response_body);
    auto closed = slow;
    closed.end_state = tcp_state::CLOSE;
    const auto before = store(
        {leaking(kill_point::request_body),
         leaking(kill_point::idle),
         leaking(kill_point::connected),
         sound(kill_point::connect),
         slow,
         sound(kill_point::await_response),
         leaking(kill_point::tls_handshake),
         sample::control(verdict::leaked)}
    );
    const auto after = store(
        {leaking(kill_point::request_body),
         sound(kill_point::idle),
         unjudged(kill_point::connected),
         leaking(kill_point::connect),
         closed,
         sound(kill_point::await_response),
         sound(kill_point::request_headers),
         leaking(kill_point::response_headers),
         sample::control(verdict::leaked)}
    );
    const auto all = diff(after, before);
    const auto points = [&](const char* list) {
        std::vector<std::string> found;
        for (const auto& each : all.at(list))
            found.push_back(each["cell"]["at"]);
        return found;
    };
    using list = std::vector<std::string>;
    CHECK(all["schema"] == "finwait.diff/1");
    CHECK(all["audit"]["id"] == after.id);
    CHECK(all["against"]["id"] == before.id);
    CHECK(points("new") == list{"connect", "response_headers"});
    CHECK(points("fixed") == list{"idle"});
    CHECK(points("still_there") == list{"request_body"});
    CHECK(points("changed") == list{"connected", "response_body"}); // not judged is not fixed
    CHECK(points("only_after") == list{"request_headers"});
    CHECK(points("only_before") == list{"tls_handshake"});
    CHECK(all["unchanged"] == 1);
    CHECK(all["new"][0]["before"]["verdict"] == "released");
    CHECK(all["new"][0]["after"]["verdict"] == "leaked");
    CHECK(all["new"][0]["after"]["reports"][0] == after.reports[3].id);
    CHECK(all["new"][1]["before"].is_null());
    const auto itself = diff(after, after);
    CHECK(itself["new"].empty());
    CHECK(itself["fixed"].empty());
    CHECK(itself["changed"].empty());
    CHECK_FALSE(past->diff(after.id, sample::new_id()));
    CHECK_FALSE(past->diff(sample::new_id(), before.id));
    const auto read = json::parse_diff(all.dump());
    REQUIRE(read);
    CHECK(read->new_ones.size() == 2);
    CHECK(read->new_ones[0].before == "released TIME_WAIT");
    CHECK(read->new_ones[1].before.empty());
    CHECK(read->unchanged == 1);
}

TEST_CASE_FIXTURE(life_of_findings, "more repetitions are no difference")
{
    const auto before = store({sound()});
    const auto after = store({sound(), sound(), sound()});
    CHECK(diff(after, before)["unchanged"] == 1);
}

TEST_SUITE_END();
