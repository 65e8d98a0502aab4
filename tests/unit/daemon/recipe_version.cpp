// Versions as programs print them.
#include "daemon/recipe_version.hpp"

#include <doctest/doctest.h>

using namespace finwait::daemon;

TEST_SUITE_BEGIN("daemon/recipe_version");

TEST_CASE("a version is found in what a program prints")
{
    struct row
    {
        std::string_view text;
        version wanted;
    };
    const row rows[] = {
        {"2.28.1", {2, 28, 1}},
        {"v18.20.4", {18, 20, 4}},
        {"curl 7.88.1 (x86_64-pc-linux-gnu) libcurl/7.88.1", {7, 88, 1}},
        {"GNU Wget 1.21.3 built on linux-gnu.", {1, 21, 3}},
        {"PycURL/7.45.2 libcurl/7.88.1", {7, 45, 2}},
        {"libfoo2 version 3.1", {3, 1}},
        {"2.0rc1", {2, 0}},
        {"1.2.", {1, 2}},
        {"20", {20}},
        {"release 7 of 12", {7}},
        {"99999999999 1.5", {1, 5}},
    };
    for (const auto& each : rows) {
        CAPTURE(each.text);
        CHECK((version_in(each.text) == each.wanted));
    }
    CHECK_FALSE(version_in(""));
    CHECK_FALSE(version_in("no number here."));
}

TEST_CASE("bounds hold or do not")
{
    struct row
    {
        std::string_view bounds;
        version what;
        bool holds;
    };
    const row rows[] = {
        {">=2.0", {2}, true},
        {">=2.0", {1, 99}, false},
        {">2", {2, 0, 0}, false},
        {">2", {2, 0, 1}, true},
        {"<3", {2, 99, 99}, true},
        {"<3", {3, 0}, false},
        {"<=2.28.2", {2, 28, 2}, true},
        {"<=2.28.2", {2, 28, 3}, false},
        {"==1.26", {1, 26, 0}, true},
        {"==1.26", {1, 26, 12}, false},
        {">=2.28, <2.29", {2, 28, 1}, true},
        {">=2.28, <2.29", {2, 29}, false},
        {" >= 2 ,< 10 ", {9, 1}, true},
    };
    for (const auto& each : rows) {
        CAPTURE(each.bounds);
        const auto bounds = parse_version_bounds(each.bounds);
        REQUIRE(bounds);
        CHECK(is_within(each.what, *bounds) == each.holds);
    }
    CHECK(is_within({1}, {}));
}

TEST_CASE("what is no range of versions is none")
{
    for (const char* wrong :
         {"", "2.0", "=2", "~=2", ">=", ">=x", ">=2.", ">=2,", ",>=2", ">=2 3"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_version_bounds(wrong));
    }
}

TEST_SUITE_END();
