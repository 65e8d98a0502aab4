// What a query and the negotiating fields mean.
#include "web/query.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace finwait::web;
using namespace std::chrono_literals;

namespace {

request with_query(std::string key, std::string value)
{
    request out;
    out.where.query.emplace_back(std::move(key), std::move(value));
    return out;
}

std::optional<std::chrono::milliseconds> duration(const char* text)
{
    const auto wanted = with_query("wait", text);
    query_reader query(wanted);
    std::optional<std::chrono::milliseconds> out;
    query.duration("wait", 60s, out);
    CHECK(out.has_value() != query.wrong().has_value());
    return out;
}

} // namespace

TEST_SUITE_BEGIN("web/query");

TEST_CASE("times have a unit and a bound")
{
    CHECK(duration("0") == 0ms);
    CHECK(duration("1ms") == 1ms);
    CHECK(duration("30s") == 30s);
    CHECK(duration("1m") == 60s);
    CHECK(duration("61s") == 60s);
    CHECK(duration("18446744073709551615m") == 60s);
    for (const char* wrong :
         {"",
          "1",
          "s",
          "ms",
          "m",
          "-1s",
          "1.5s",
          " 1s",
          "1s ",
          "1h",
          "1 s",
          "18446744073709551616s"})
        CHECK_FALSE(duration(wrong));
}

TEST_CASE("waits end apart, and none is longer than any may be")
{
    const auto check = [](std::chrono::milliseconds time, auto least, auto most) {
        std::set<std::chrono::milliseconds> seen;
        for (int i = 0; i < 5000; ++i) {
            const auto one = spread(time, 60s, std::chrono::microseconds(1'000'003) * i);
            CHECK(one >= least);
            CHECK(one <= most);
            seen.insert(one);
        }
        CHECK(seen.size() > static_cast<std::size_t>(time / 32ms));
    };
    check(60s, 56'250ms, 60'000ms);
    check(58s, 54'375ms, 60'000ms);
    check(30s, 30'000ms, 31'875ms);
    CHECK(spread(0ms, 60s, 12345us) == 0ms);
    CHECK(spread(15ms, 60s, 12345us) == 15ms);
    CHECK(spread(50ms, 50ms, 12345us) <= 50ms);
}

TEST_CASE("names have no character that means anything elsewhere")
{
    for (const char* text : {"a", "nightly", "requests:pool", "a-b_c9"}) {
        const auto wanted = with_query("name", text);
        query_reader query(wanted);
        std::optional<std::string> out;
        query.name("name", out);
        CHECK(out == text);
        CHECK_FALSE(query.wrong());
    }
    const auto unnamed = with_query("name", "ad hoc");
    std::optional<std::string> audit;
    query_reader(unnamed).audit_name("name", audit);
    CHECK(audit == "ad hoc");
    for (const std::string& text :
         {std::string(),
          std::string("A"),
          std::string("a b"),
          std::string("a'"),
          std::string("a%"),
          std::string("a\n"),
          std::string("../a"),
          std::string(81, 'a')}) {
        const auto wanted = with_query("name", text);
        query_reader query(wanted);
        std::optional<std::string> out;
        query.name("name", out);
        query.audit_name("name", out);
        CHECK_FALSE(out);
        CHECK(query.wrong()->status == 400);
    }
}

TEST_CASE("how much a media type is wanted")
{
    struct row
    {
        std::string_view accept;
        std::string_view type;
        double quality;
    };
    constexpr row rows[] = {
        {"", "text/plain", 1},
        {"  ", "text/plain", 1},
        {"text/plain", "text/plain", 1},
        {"Text/PLAIN", "text/plain", 1},
        {"text/html", "text/plain", 0},
        {"text/*;q=0.5", "text/plain", 0.5},
        {"*/*;q=0.1, text/*;q=0.2, text/plain;q=0.3", "text/plain", 0.3},
        {"text/plain;q=0.3, */*;q=0.9", "text/plain", 0.3},
        {"text/plain;version=0.0.4;q=0.3", "text/plain", 0.3},
        {"text/plain;q=0", "text/plain", 0},
        {"text/plain;q=x", "text/plain", 0},
        {"text/plain;q=7", "text/plain", 0},
        {"text/plain;q=", "text/plain", 0},
        {"tex/*", "text/plain", 0},
        {"/*", "text/plain", 0},
        {",,;q=1,", "text/plain", 0},
    };
    for (const auto& each : rows) {
        CAPTURE(each.accept);
        CHECK(quality_of(each.accept, each.type) == doctest::Approx(each.quality));
    }
}

TEST_CASE("preferences that can be read")
{
    struct row
    {
        std::string prefer;
        std::optional<std::chrono::seconds> wait;
        bool respond_async;
    };
    const row rows[] = {
        {"", {}, false},
        {"wait=10", 10s, false},
        {"respond-async, wait=10", 10s, true},
        {"Respond-Async,WAIT=10", 10s, true},
        {"wait=10;x=y, foo", 10s, false},
        {"wait=1, wait=2", 1s, false},
        {"wait=99999999999", 86400s, false},
        {"wait", {}, false},
        {"wait=-1", {}, false},
        {"wait=1.5", {}, false},
        {"foo; wait=10", {}, false},
    };
    for (const auto& each : rows) {
        CAPTURE(each.prefer);
        request wanted;
        wanted.prefer = each.prefer;
        const auto got = preferences_of(wanted);
        CHECK(got.wait == each.wait);
        CHECK(got.respond_async == each.respond_async);
    }
}

TEST_CASE("what stands in a link is encoded")
{
    CHECK(encoded("aZ0-._~") == "aZ0-._~");
    CHECK(encoded("a b&c=d%\xff\"<>") == "a%20b%26c%3Dd%25%FF%22%3C%3E");
}

TEST_SUITE_END();
