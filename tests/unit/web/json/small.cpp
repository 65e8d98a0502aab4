// Times and suggestions.
#include "probe/model/kill_method.hpp"
#include "web/json/nearest.hpp"
#include "web/json/time.hpp"

#include <doctest/doctest.h>

using namespace finwait;
using namespace std::chrono;

TEST_SUITE_BEGIN("web/json/nearest");

TEST_CASE("the nearest right word, or none")
{
    struct row
    {
        std::string_view wrong;
        std::string_view right; ///< empty: none
    };
    constexpr row rows[] = {
        {"sigkil", "sigkill"},
        {"sigikll", "sigkill"},
        {"SIGKILL", "sigkill"},
        {"peer-close", "peer_close"},
        {"closee", "close"},
        {"clsoe", "close"},
        {"shutdownclose", "shutdown_close"},
        {"abandoned", "abandon"},
        {"throw_", "throw"},
        {"ext", "exit"},
        {"", ""},
        {"banana", ""},
        {"x", ""},
        {"kill", ""},
    };
    for (const auto& each : rows) {
        CAPTURE(each.wrong);
        CHECK(nearest(each.wrong, words<kill_method>::table).value_or("") == each.right);
    }
    CHECK_FALSE(nearest(std::string(65, 'a'), words<kill_method>::table));
    CHECK_FALSE(nearest("close", {}));
}

TEST_CASE("an exact word is its own nearest")
{
    for (const auto each : words<kill_method>::table)
        CHECK(nearest(each, words<kill_method>::table) == each);
}

TEST_CASE("quoting escapes control bytes and cuts what is long")
{
    CHECK(in_quotes("a\x1b\x7f\n") == "\"a\\x1b\\x7f\\x0a\"");
    CHECK(in_quotes(std::string(65, 'a')) == "\"" + std::string(64, 'a') + "…\"");
    CHECK(in_quotes(std::string(64, 'a')) == "\"" + std::string(64, 'a') + "\"");
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("web/json/time");

TEST_CASE("a time as text and back")
{
    struct row
    {
        system_clock::time_point when;
        const char* text;
    };
    const row rows[] = {
        {sys_days(2026y / January / 31) + 12h + 123456us, "2026-01-31T12:00:00.123456Z"},
        {sys_days(1970y / January / 1), "1970-01-01T00:00:00.000000Z"},
        {sys_days(1970y / January / 1) - 1us, "1969-12-31T23:59:59.999999Z"},
        {sys_days(2024y / February / 29) + 23h + 59min + 59s, "2024-02-29T23:59:59.000000Z"},
        {sys_days(2261y / December / 31), "2261-12-31T00:00:00.000000Z"},
        {sys_days(1678y / January / 1), "1678-01-01T00:00:00.000000Z"},
    };
    for (const auto& each : rows) {
        CHECK(json::to_text(each.when) == each.text);
        const auto back = json::time_from_text(each.text);
        REQUIRE(back);
        CHECK((*back == each.when));
    }
}

TEST_CASE("nanoseconds are cut, also before 1970")
{
    CHECK(json::to_text(system_clock::time_point(1999ns)) == "1970-01-01T00:00:00.000001Z");
    CHECK(json::to_text(system_clock::time_point(-1ns)) == "1969-12-31T23:59:59.999999Z");
}

TEST_CASE("fractions of other lengths")
{
    CHECK((json::time_from_text("1970-01-01T00:00:01Z") == system_clock::time_point(1s)));
    CHECK((json::time_from_text("1970-01-01T00:00:01.5Z") == system_clock::time_point(1500ms)));
    CHECK((json::time_from_text("1970-01-01T00:00:00.000000007Z") == system_clock::time_point(7ns))
    );
}

TEST_CASE("what is no time")
{
    constexpr const char* rows[] = {
        "",
        "Z",
        "2026-01-31",
        "2026-01-31T12:00:00",
        "2026-01-31T12:00:00+00:00",
        "2026-01-31t12:00:00Z",
        "2026-01-31 12:00:00Z",
        "2026-01-31T12:00:00z",
        "2026-02-29T12:00:00Z",
        "2026-13-01T12:00:00Z",
        "2026-00-01T12:00:00Z",
        "2026-01-32T12:00:00Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T12:60:00Z",
        "2026-01-31T12:00:60Z",
        "2026-01-31T12:00:00.Z",
        "2026-01-31T12:00:00.1234567890Z",
        "2026-01-31T12:00:00.12x4Z",
        "2026-01-31T12:00:00ZZ",
        "2026-01-31T12:00:00.5",
        "2026-1-31T12:00:00Z",
        "-026-01-31T12:00:00Z",
        "1677-12-31T00:00:00Z",
        "2262-01-01T00:00:00Z",
    };
    for (const auto* each : rows) {
        CAPTURE(each);
        CHECK_FALSE(json::time_from_text(each));
    }
}

TEST_SUITE_END();
