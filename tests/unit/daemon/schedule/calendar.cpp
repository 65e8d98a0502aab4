// Calendar expressions: tables of times whose right answers are those of systemd-analyze calendar.
#include "daemon/schedule/calendar.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <ctime>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

TEST_SUITE_BEGIN("daemon/schedule/calendar");

namespace {

using finwait::daemon::calendar;
using std::chrono::system_clock;

// The time zone of the process, for as long as the object lives.
class zone
{
public:
    explicit zone(const char* name)
    {
        ::setenv("TZ", name, 1);
        ::tzset();
    }
    ~zone()
    {
        ::unsetenv("TZ");
        ::tzset();
    }
    zone(const zone&) = delete;
    zone& operator=(const zone&) = delete;
};

std::optional<system_clock::time_point> moment(const std::string& utc)
{
    if (utc == "never")
        return std::nullopt;
    std::tm at{};
    REQUIRE(::strptime(utc.c_str(), "%Y-%m-%d %H:%M:%S", &at) != nullptr);
    return system_clock::from_time_t(::timegm(&at));
}

std::string text_of(std::optional<system_clock::time_point> when)
{
    if (!when)
        return "never";
    const std::time_t seconds = system_clock::to_time_t(*when);
    std::tm at{};
    ::gmtime_r(&seconds, &at);
    char text[32];
    REQUIRE(std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &at) > 0);
    return text;
}

calendar read(std::string_view text)
{
    auto parsed = calendar::parse(text);
    if (const auto* wrong = std::get_if<std::string>(&parsed))
        FAIL(text << ": " << *wrong);
    return std::get<calendar>(parsed);
}

std::string wrong_with(std::string_view text)
{
    const auto parsed = calendar::parse(text);
    return std::holds_alternative<std::string>(parsed) ? std::get<std::string>(parsed) : "nothing";
}

} // namespace

TEST_CASE("the next time of an expression, as systemd-analyze calendar gives it")
{
    const zone utc("UTC0");
    struct row
    {
        std::string expression;
        std::string after;
        std::string next;
    };
    // 2026-01-31 is a Saturday.
    const auto rows = {
        row{"minutely", "2026-01-31 12:00:00", "2026-01-31 12:01:00"},
        row{"hourly", "2026-01-31 12:00:00", "2026-01-31 13:00:00"},
        row{"hourly", "2026-01-31 11:59:59", "2026-01-31 12:00:00"},
        row{"daily", "2026-01-31 00:00:00", "2026-02-01 00:00:00"},
        row{"Daily", "2026-12-31 23:59:59", "2027-01-01 00:00:00"},
        row{"weekly", "2026-01-31 12:00:00", "2026-02-02 00:00:00"},
        row{"monthly", "2026-01-31 12:00:00", "2026-02-01 00:00:00"},
        row{"quarterly", "2026-01-31 12:00:00", "2026-04-01 00:00:00"},
        row{"semiannually", "2026-01-31 12:00:00", "2026-07-01 00:00:00"},
        row{"yearly", "2026-01-31 12:00:00", "2027-01-01 00:00:00"},
        row{"*-*-* 03:15:00", "2026-01-31 12:00:00", "2026-02-01 03:15:00"},
        row{"03:15", "2026-01-31 03:14:59", "2026-01-31 03:15:00"},
        row{"3:5:7", "2026-01-31 03:04:59", "2026-01-31 03:05:07"},
        row{"Mon 04:00", "2026-01-31 12:00:00", "2026-02-02 04:00:00"},
        row{"Sat 12:00", "2026-01-31 12:00:00", "2026-02-07 12:00:00"},
        row{"Mon..Fri 04:00", "2026-01-30 04:00:00", "2026-02-02 04:00:00"},
        row{"Fri..Sun,Mon", "2026-02-02 00:00:00", "2026-02-06 00:00:00"},
        row{"wednesday,SUN 04:00", "2026-01-31 12:00:00", "2026-02-01 04:00:00"},
        row{"*:0/15", "2026-01-31 12:15:00", "2026-01-31 12:30:00"},
        row{"*:5/20", "2026-01-31 12:45:00", "2026-01-31 13:05:00"},
        row{"*:*:0/30", "2026-01-31 12:00:00", "2026-01-31 12:00:30"},
        row{"8..18/4:00", "2026-01-31 12:00:00", "2026-01-31 16:00:00"},
        row{"8..18/4:00", "2026-01-31 16:00:00", "2026-02-01 08:00:00"},
        row{"*-*-29", "2026-01-31 12:00:00", "2026-03-29 00:00:00"},
        row{"*-02-29", "2026-01-31 12:00:00", "2028-02-29 00:00:00"},
        row{"02-29", "2028-02-29 00:00:00", "2032-02-29 00:00:00"},
        row{"*-02-30", "2026-01-31 12:00:00", "never"},
        row{"2030-12-24 18:00", "2026-01-31 12:00:00", "2030-12-24 18:00:00"},
        row{"2020-01-01", "2026-01-31 12:00:00", "never"},
        row{"2028,2030-*-01", "2028-12-01 00:00:00", "2030-01-01 00:00:00"},
        row{"Fri *-*-13 13:13:13", "2026-01-31 12:00:00", "2026-02-13 13:13:13"},
        row{"*-01/3-01", "2026-01-31 12:00:00", "2026-04-01 00:00:00"},
        row{"hourly UTC", "2026-01-31 12:00:00", "2026-01-31 13:00:00"},
        row{"  *-*-*   03:15:00  UTC ", "2026-01-31 12:00:00", "2026-02-01 03:15:00"},
    };
    for (const row& each : rows) {
        CAPTURE(each.expression);
        CAPTURE(each.after);
        CHECK(text_of(read(each.expression).next(*moment(each.after))) == each.next);
    }
}

TEST_CASE("parts of a second do not count: what has begun has passed")
{
    const zone utc("UTC0");
    const auto noon = *moment("2026-01-31 12:00:00");
    const auto hourly = read("hourly");
    CHECK(text_of(hourly.next(noon - std::chrono::milliseconds(1))) == "2026-01-31 12:00:00");
    CHECK(text_of(hourly.next(noon + std::chrono::milliseconds(1))) == "2026-01-31 13:00:00");
}

TEST_CASE("local time through a change of the clock")
{
    // Central Europe: 2026-03-29 02:00 becomes 03:00, 2026-10-25 03:00 becomes 02:00.
    const zone berlin("CET-1CEST,M3.5.0,M10.5.0/3");
    struct row
    {
        std::string expression;
        std::string after; ///< UTC, as next
        std::string next;
    };
    const auto rows = {
        row{"daily", "2026-01-31 12:00:00", "2026-01-31 23:00:00"},
        row{"daily", "2026-07-31 12:00:00", "2026-07-31 22:00:00"},
        row{"daily UTC", "2026-07-31 12:00:00", "2026-08-01 00:00:00"},
        // 02:30 is left out and comes as 03:30 CEST; the day after it is itself again.
        row{"02:30", "2026-03-29 00:00:00", "2026-03-29 01:30:00"},
        row{"02:30", "2026-03-29 01:30:00", "2026-03-30 00:30:00"},
        row{"hourly", "2026-03-29 00:30:00", "2026-03-29 01:00:00"},
        row{"hourly", "2026-03-29 01:00:00", "2026-03-29 02:00:00"},
        // 02:30 comes twice, at 00:30 and 01:30 UTC; it counts once, the first time.
        row{"02:30", "2026-10-25 00:00:00", "2026-10-25 00:30:00"},
        row{"02:30", "2026-10-25 00:30:00", "2026-10-26 01:30:00"},
        row{"02:30", "2026-10-25 01:10:00", "2026-10-26 01:30:00"},
        row{"hourly", "2026-10-25 00:00:00", "2026-10-25 02:00:00"},
        row{"*:*:*", "2026-10-25 01:10:00", "2026-10-25 02:00:00"},
    };
    for (const row& each : rows) {
        CAPTURE(each.expression);
        CAPTURE(each.after);
        CHECK(text_of(read(each.expression).next(*moment(each.after))) == each.next);
    }
}

TEST_CASE("local time where winter is what daylight is saved in")
{
    // Ireland: 2027-03-28 01:00 GMT becomes 02:00 IST, 2026-10-25 02:00 IST becomes 01:00 GMT.
    const zone ireland("IST-1GMT0,M10.5.0,M3.5.0/1");
    const auto often = read("01:30");
    CHECK(text_of(often.next(*moment("2027-03-27 12:00:00"))) == "2027-03-28 01:30:00");
    CHECK(text_of(often.next(*moment("2027-03-28 01:30:00"))) == "2027-03-29 00:30:00");
    CHECK(text_of(often.next(*moment("2026-10-24 12:00:00"))) == "2026-10-25 00:30:00");
    CHECK(text_of(often.next(*moment("2026-10-25 00:30:00"))) == "2026-10-26 01:30:00");
}

TEST_CASE("each next time is later than the one before, over a change of the clock")
{
    const zone berlin("CET-1CEST,M3.5.0,M10.5.0/3");
    for (const char* day : {"2026-03-28 12:00:00", "2026-10-24 12:00:00"})
        for (const std::string expression : {"hourly", "*:0/7", "2..4:59:59", "02:30"}) {
            CAPTURE(expression);
            const auto often = read(expression);
            auto now = *moment(day);
            for (int i = 0; i < 50; ++i) {
                const auto next = often.next(now);
                REQUIRE(next);
                REQUIRE(*next > now);
                now = *next;
            }
        }
}

TEST_CASE("what is wrong with an expression is said, with the nearest right word")
{
    struct row
    {
        std::string expression;
        std::string says;
    };
    const auto rows = {
        row{"", "is empty"},
        row{"   ", "is empty"},
        row{"houry", "\"houry\" is no calendar expression: did you mean \"hourly\"?"},
        row{"sometimes", "write hourly, daily"},
        row{"Mun 04:00", "\"Mun\" is no weekday: did you mean \"mon\"?"},
        row{"Mon..Tue..Wed", "more than one `..`"},
        row{"25:00", "\"25\" is no hour: a number from 0 to 23"},
        row{"12:60", "\"60\" is no minute"},
        row{"12:00:60", "\"60\" is no second"},
        row{"*-13-01", "\"13\" is no month"},
        row{"*-*-32", "\"32\" is no day"},
        row{"1969-01-01", "\"1969\" is no year"},
        row{"*", "is no date"},
        row{"1-2-3-4", "is no date"},
        row{"1:2:3:4", "is no time"},
        row{"Fri..Mon", "ends before it begins"},
        row{"7..3:00", "ends before it begins"},
        row{"*:0/0", "\"0\" is no step"},
        row{"*:0/x", "\"x\" is no step"},
        row{"*:,", "\"\" is no minute"},
        row{"*-*~01", "`~`"},
        row{"12:00:00.5", "fractions"},
        row{"12:00 Mon", "was not expected"},
        row{"Mon 12:00 Europe/Berlin", "was not expected"},
        row{"hourly daily", "no weekday"},
    };
    for (const row& each : rows) {
        CAPTURE(each.expression);
        const std::string says = wrong_with(each.expression);
        CAPTURE(says);
        CHECK(says.find(each.says) != std::string::npos);
    }
    CHECK(wrong_with(std::string(1000, '*')).find("longer than") != std::string::npos);
}

TEST_SUITE_END();
