// When audits are due, by a clock that the test sets.
#include "daemon/schedule/timetable.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

TEST_SUITE_BEGIN("daemon/schedule/timetable");

namespace {

using namespace std::chrono_literals;
using finwait::daemon::audit_settings;
using finwait::daemon::due_audit;
using finwait::daemon::past_run;
using finwait::daemon::timetable;
using finwait::daemon::why_late;
using std::chrono::system_clock;

// 2026-01-31T12:00:00Z
const auto noon = system_clock::from_time_t(1769860800);

audit_settings each(std::chrono::milliseconds every, std::string name = "default")
{
    audit_settings out{.name = std::move(name)};
    out.every = every;
    return out;
}

audit_settings at(std::string calendar, std::string name = "default")
{
    audit_settings out{.name = std::move(name)};
    out.calendar = std::move(calendar) + " UTC";
    return out;
}

std::optional<past_run> never(std::string_view)
{
    return std::nullopt;
}

timetable::last_run ended(system_clock::time_point when, std::chrono::seconds took = 60s)
{
    return [=](std::string_view) {
        return past_run{.started = when - took, .ended = when};
    };
}

std::string names(const std::vector<due_audit>& due)
{
    std::string out;
    for (const due_audit& one : due)
        out += (out.empty() ? "" : " ") + one.name;
    return out;
}

} // namespace

TEST_CASE("an interval counts from the end of a run to the start of the next")
{
    timetable table;
    table.set({each(1h)}, never, noon);
    CHECK(table.next(noon) == noon);
    REQUIRE(names(table.due(noon)) == "default");
    table.started("default", noon);
    CHECK_FALSE(table.next("default", noon + 10min));
    CHECK(table.due(noon + 3h).empty());
    table.ended("default", noon + 3h);
    CHECK(table.next("default", noon + 3h) == noon + 4h);
    CHECK(table.due(noon + 4h - 1s).empty());
    CHECK(table.due(noon + 4h) == std::vector<due_audit>{{"default", noon + 4h, 0}});
}

TEST_CASE("what is due is given once")
{
    timetable table;
    table.set({each(1h)}, never, noon);
    CHECK(names(table.due(noon)) == "default");
    CHECK(table.due(noon).empty());
    CHECK(table.due(noon + 24h).empty());
}

TEST_CASE("after a restart the history says when the next run is")
{
    timetable table;
    SUBCASE("an interval that is not over goes on")
    {
        table.set({each(1h)}, ended(noon - 20min), noon);
        CHECK(table.due(noon).empty());
        CHECK(table.next(noon) == noon + 40min);
    }
    SUBCASE("an interval that ended meanwhile: once, and how many were missed")
    {
        table.set({each(1h)}, ended(noon - 3h - 30min), noon);
        CHECK(table.due(noon) == std::vector<due_audit>{{"default", noon - 2h - 30min, 2}});
        CHECK(table.due(noon).empty());
    }
    SUBCASE("a calendar's time that did not pass is waited for")
    {
        table.set({at("03:15")}, ended(noon - 2h), noon);
        CHECK(table.due(noon).empty());
        CHECK(table.next(noon) == noon + 15h + 15min);
    }
    SUBCASE("a calendar's times that passed: once, for the newest")
    {
        table.set({at("hourly")}, ended(noon - 3h - 30min), noon + 10min);
        CHECK(table.due(noon + 10min) == std::vector<due_audit>{{"default", noon, 3}});
        table.started("default", noon + 10min);
        table.ended("default", noon + 15min);
        CHECK(table.next(noon + 15min) == noon + 1h);
    }
    SUBCASE("of a calendar that never ran nothing was missed")
    {
        table.set({at("hourly")}, never, noon + 10min);
        CHECK(table.due(noon + 10min).empty());
        CHECK(table.next(noon + 10min) == noon + 1h);
    }
}

TEST_CASE("a run that outlasts its calendar is followed by one run, not by all it missed")
{
    timetable table;
    table.set({at("hourly")}, never, noon - 1s);
    REQUIRE(table.due(noon) == std::vector<due_audit>{{"default", noon, 0}});
    table.started("default", noon);
    CHECK(table.due(noon + 1h).empty());
    CHECK(table.due(noon + 2h).empty());
    table.ended("default", noon + 2h + 30min);
    CHECK(table.due(noon + 2h + 30min) == std::vector<due_audit>{{"default", noon + 2h, 1}});
    table.started("default", noon + 2h + 30min);
    table.ended("default", noon + 2h + 40min);
    CHECK(table.due(noon + 2h + 40min).empty());
    CHECK(table.next(noon + 2h + 40min) == noon + 3h);
}

TEST_CASE("what passed while it waited in the queue is not missed")
{
    timetable table;
    table.set({at("hourly")}, never, noon - 1s);
    REQUIRE(names(table.due(noon)) == "default");
    table.started("default", noon);             // waits
    table.started("default", noon + 1h + 5min); // runs
    table.ended("default", noon + 1h + 10min);
    CHECK(table.due(noon + 1h + 10min).empty());
    CHECK(table.next(noon + 1h + 10min) == noon + 2h);
}

TEST_CASE("a run that somebody asked for counts like any other")
{
    timetable table;
    table.set({each(1h)}, ended(noon - 30min), noon);
    table.started("default", noon);
    CHECK(table.due(noon + 30min).empty());
    table.ended("default", noon + 40min);
    CHECK(table.next(noon + 40min) == noon + 1h + 40min);
}

TEST_CASE("a full queue: again in a minute, with one more missed")
{
    timetable table;
    table.set({each(1h)}, never, noon);
    REQUIRE(names(table.due(noon)) == "default");
    table.refused("default", noon);
    CHECK(table.due(noon + 59s).empty());
    CHECK(table.due(noon + 60s) == std::vector<due_audit>{{"default", noon + 60s, 1}});
    table.refused("default", noon + 60s);
    CHECK(table.due(noon + 2min) == std::vector<due_audit>{{"default", noon + 2min, 1}});
}

TEST_CASE("audits without a time, and names that are none")
{
    timetable table;
    table.set({audit_settings{.name = "by hand"}}, never, noon);
    CHECK_FALSE(table.next(noon));
    CHECK(table.due(noon + 1000h).empty());
    table.started("by hand", noon);
    table.ended("by hand", noon + 1min);
    CHECK_FALSE(table.next("by hand", noon + 1min));
    table.started("unknown", noon);
    table.ended("unknown", noon);
    table.refused("unknown", noon);
    CHECK_FALSE(table.next("unknown", noon));
}

TEST_CASE("several audits come in the order of their times")
{
    timetable table;
    table.set(
        {each(2h, "late"), at("11:30", "early"), each(1h, "middle")},
        [](std::string_view name) -> std::optional<past_run> {
            const auto when = name == "late" ? noon - 2h : noon - 75min;
            return past_run{.started = when - 1min, .ended = when};
        },
        noon
    );
    CHECK(table.next(noon) == noon - 30min);
    CHECK(names(table.due(noon)) == "early middle late");
}

TEST_CASE("a reload keeps what has the same times, and the run that goes on")
{
    timetable table;
    table.set({each(1h, "kept"), each(1h, "changed"), each(1h, "gone")}, ended(noon - 10min), noon);
    SUBCASE("the same times are not asked for again")
    {
        table.set({each(1h, "kept")}, ended(noon - 59min), noon + 1min);
        CHECK(table.next(noon + 1min) == noon + 50min);
    }
    SUBCASE("other times count from the last run")
    {
        table.set({each(30min, "changed")}, ended(noon - 10min), noon + 1min);
        CHECK(table.next(noon + 1min) == noon + 20min);
    }
    SUBCASE("one that is gone is never due")
    {
        table.set({each(1h, "kept")}, never, noon + 1min);
        CHECK(names(table.due(noon + 2h)) == "kept");
    }
    SUBCASE("one that runs is not due while it does, whatever its times are now")
    {
        table.started("changed", noon);
        table.set({each(1min, "changed")}, ended(noon - 10min), noon + 1min);
        CHECK(table.due(noon + 5min).empty());
        table.ended("changed", noon + 6min);
        CHECK(table.next(noon + 6min) == noon + 7min);
    }
}

TEST_CASE("a clock that is set back does not put a run off for longer than its interval")
{
    timetable table;
    SUBCASE("interval")
    {
        table.set({each(1h)}, ended(noon), noon);
        CHECK(table.next(noon - 24h) == noon - 23h);
        CHECK(table.due(noon - 24h).empty());
        CHECK(table.due(noon - 24h + 59min).empty());
        CHECK(table.next(noon - 24h + 59min) == noon - 23h);
        CHECK(table.due(noon - 23h).size() == 1);
        CHECK(table.due(noon - 22h).empty());
    }
    SUBCASE("calendar")
    {
        table.set({at("hourly")}, ended(noon), noon);
        CHECK(table.next(noon - 24h) == noon - 23h);
        CHECK(table.due(noon - 24h).empty());
        CHECK(table.due(noon - 24h + 59min).empty());
        CHECK(table.due(noon - 23h).size() == 1);
        CHECK(table.due(noon - 23h).empty());
    }
    SUBCASE("a last run of the future")
    {
        table.set({at("hourly")}, ended(noon + 100h), noon);
        CHECK(table.next(noon) == noon + 1h);
        table.set({each(1h)}, ended(noon + 100h), noon);
        CHECK(table.next(noon) == noon + 1h);
    }
}

TEST_CASE("missed times of a year are counted in bounded time")
{
    timetable table;
    table.set({at("minutely")}, ended(noon - 24h * 365), noon);
    const auto due = table.due(noon);
    REQUIRE(due.size() == 1);
    CHECK(due.front().missed == 10'000);
}

TEST_CASE("what is late is said, what is not is not")
{
    CHECK(why_late({"default", noon, 0}, noon).empty());
    CHECK(why_late({"default", noon, 0}, noon + 59s).empty());
    CHECK(
        why_late({"default", noon, 0}, noon + 2h) ==
        "audit default was missed at 2026-01-31T12:00:00Z, 7200 s ago: it is run once now"
    );
    CHECK(why_late({"default", noon, 1}, noon).find(", and 1 time before:") != std::string::npos);
    CHECK(why_late({"default", noon, 3}, noon).find(", and 3 times before:") != std::string::npos);
}

TEST_SUITE_END();
