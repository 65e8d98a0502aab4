// Targets of requests.
#include "web/target.hpp"

#include <doctest/doctest.h>

using finwait::web::parse_target;

TEST_SUITE_BEGIN("web/target");

TEST_CASE("a target is taken apart and decoded")
{
    const auto t = parse_target("/api/v1/a%7Ab?limit=5&%63ursor=a%2Fb&verbose&x==&&=y");
    REQUIRE(t);
    CHECK(t->path == "/api/v1/a%7Ab");
    CHECK((t->segments == std::vector<std::string>{"api", "v1", "azb"}));
    using pairs = std::vector<std::pair<std::string, std::string>>;
    const pairs wanted{
        {"limit", "5"}, {"cursor", "a/b"}, {"verbose", ""}, {"x", "="}, {"", ""}, {"", "y"}};
    CHECK((t->query == wanted));
}

TEST_CASE("empty segments stay, so that they match nothing")
{
    struct row
    {
        const char* raw;
        std::vector<std::string> segments;
    };
    const row rows[] = {
        {"/", {""}},
        {"//", {"", ""}},
        {"/a/", {"a", ""}},
        {"//evil/x", {"", "evil", "x"}},
        {"/a?", {"a"}},
        {"/a?/../b", {"a"}},
        {"/%C3%A9", {"\xC3\xA9"}},
        {"/...", {"..."}},
    };
    for (const auto& each : rows) {
        CAPTURE(each.raw);
        const auto t = parse_target(each.raw);
        REQUIRE(t);
        CHECK((t->segments == each.segments));
    }
}

TEST_CASE("what is no target")
{
    for (const char* raw :
         {"",       "*",      "?a",    "a",        "http://evil/", "evil:80", "/a#b",
          "/a b",   "/a\\b",  "/a\"b", "/<a>",     "/a\x7f",       "/a\x80",  "/a%",
          "/a%4",   "/a%4g",  "/a%g4", "/a%00",    "/a%1f",        "/a%7F",   "/a%2Fb",
          "/a%2fb", "/a%5cb", "/..",   "/a/..",    "/a/../b",      "/%2e%2e", "/.%2E/a",
          "/.",     "/a/./b", "/%2e",  "/a?b=%00", "/a?%0a=b",     "/a?b=%",  "/a?b#c",
          "/a?b c", "/a[b]",  "/{id}", "/a|b"}) {
        CAPTURE(raw);
        CHECK_FALSE(parse_target(raw));
    }
}

TEST_SUITE_END();
