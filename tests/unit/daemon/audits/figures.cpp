// What is counted.
#include "daemon/audits/figures.hpp"

#include "daemon/audits/order.hpp"
#include "tests/unit/daemon/sample.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using namespace finwait;
using namespace finwait::daemon;

namespace {

const web::metric& named(const web::metrics_snapshot& all, std::string_view name)
{
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.name == name; });
    REQUIRE_MESSAGE(found != all.end(), std::string(name));
    return *found;
}

report released_after(std::int64_t ns)
{
    auto done = sample::cell(kill_point::idle, kill_method::close);
    done.kill.at_ns = 1'000;
    auto& states = done.connections.emplace_back().client.emplace().states;
    states.push_back({.state = tcp_state::ESTABLISHED, .from_ns = 0, .owned = true});
    states.push_back({.state = tcp_state::FIN_WAIT1, .from_ns = 2'000});
    states.push_back({.state = tcp_state::TIME_WAIT, .from_ns = 1'000 + ns});
    return done;
}

} // namespace

TEST_SUITE_BEGIN("daemon/audits/figures");

TEST_CASE("a release takes as long as its slowest connection")
{
    auto done = released_after(3'000'000);
    CHECK(release_time(done) == std::chrono::milliseconds(3));
    done.connections.push_back(released_after(7'000'000).connections.front());
    CHECK(release_time(done) == std::chrono::milliseconds(7));
    done.connections.emplace_back(); // seen at the other end only
    CHECK(release_time(done) == std::chrono::milliseconds(7));
    done.connections.back().client.emplace(); // never seen to end
    CHECK_FALSE(release_time(done));
    done = released_after(1);
    done.verdict = verdict::held;
    CHECK_FALSE(release_time(done));
    done = released_after(1);
    done.kill.at_ns.reset();
    CHECK_FALSE(release_time(done));
    done = released_after(-500); // gone before the kill's own time stamp
    CHECK(release_time(done) == std::chrono::nanoseconds(0));
}

TEST_CASE("probes are counted by point, method and verdict, releases by method")
{
    figures counted;
    counted.count(released_after(3'000'000));
    counted.count(released_after(70'000'000));
    counted.count(sample::finding());
    const auto all = counted.snapshot({}, {});
    const auto& probes = named(all, "finwait_probes_total");
    REQUIRE(probes.samples.size() == 2);
    CHECK(probes.kind == web::metric_kind::counter);
    double sum = 0;
    for (const auto& each : probes.samples) {
        REQUIRE(each.labels.size() == 3);
        sum += each.value;
    }
    CHECK(sum == 3);
    const auto& releases = named(all, "finwait_probe_release_seconds");
    REQUIRE(releases.samples.size() == 1);
    const auto& only = releases.samples[0];
    CHECK((only.labels[0] == std::pair<std::string, std::string>("kill_method", "close")));
    CHECK(only.count == 2);
    CHECK(only.value == doctest::Approx(0.073));
    std::uint64_t before = 0;
    for (const auto& [bound, up_to] : only.buckets) {
        CHECK(up_to >= before);
        before = up_to;
        CHECK(up_to == (bound < 0.003 ? 0U : bound < 0.07 ? 1U : 2U));
    }
}

TEST_CASE("of audits the last one counts, under a name of the configuration or none")
{
    configuration how;
    how.audits = {{.name = "default"}, {.name = "silent"}};
    figures counted;
    const auto now = std::chrono::system_clock::now();
    counted.count(sample::concluded({sample::finding()}), "default", now);
    counted.count(
        sample::concluded({sample::control(verdict::released)}), std::string(ad_hoc), now
    );
    counted.count(sample::concluded({}), "forgotten", now);
    auto all = counted.snapshot({}, how);
    const auto& findings = named(all, "finwait_audit_findings");
    REQUIRE(findings.samples.size() == 2);
    CHECK(findings.samples[0].labels[0].second == "ad hoc");
    CHECK(findings.samples[1].value == 1);
    CHECK(named(all, "finwait_audit_void").samples[0].value == 1);
    CHECK(named(all, "finwait_audit_last_success_timestamp_seconds").samples.empty());
    const auto clean = sample::concluded({sample::cell(kill_point::idle, kill_method::close)});
    REQUIRE(clean.outcome == outcome::clean);
    counted.count(clean, "default", now);
    all = counted.snapshot({}, how);
    CHECK(named(all, "finwait_audit_findings").samples[1].value == 0);
    CHECK(named(all, "finwait_audit_last_success_timestamp_seconds").samples.size() == 1);
    CHECK(named(all, "finwait_audits_total").samples.size() == 3);
}

TEST_CASE("every metric has a name of its own, a help text and a unit or a total")
{
    const auto all = figures().snapshot(
        {.stored = {.bytes = 7, .unstored = 2},
         .findings = {.new_ones = 1, .still_there = 2, .gone = 3},
         .is_config_good = false},
        {}
    );
    std::set<std::string> names;
    for (const auto& each : all) {
        CAPTURE(each.name);
        CHECK(names.insert(each.name).second);
        CHECK(each.help.ends_with('.'));
        CHECK((each.kind == web::metric_kind::counter) == each.name.ends_with("_total"));
    }
    CHECK(named(all, "finwait_history_bytes").samples[0].value == 7);
    CHECK(named(all, "finwait_history_unstored_reports_total").samples[0].value == 2);
    CHECK(named(all, "finwait_config_last_reload_successful").samples[0].value == 0);
    CHECK(named(all, "finwait_findings").samples[2].value == 3);
    CHECK(named(all, "process_open_fds").samples[0].value > 2);
    CHECK(named(all, "process_resident_memory_bytes").samples[0].value > 1e6);
    CHECK(named(all, "process_cpu_seconds_total").samples[0].value >= 0);
}

TEST_SUITE_END();
