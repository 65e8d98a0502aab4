// The hold line: what is matched, what is refused, and that no pattern takes for ever.
#include "probe/subject/line_pattern.hpp"

#include <doctest/doctest.h>

#include <string>

using finwait::subject::line_pattern;
using finwait::subject::why_no_pattern;

TEST_SUITE_BEGIN("probe/subject/line_pattern");

TEST_CASE("a pattern is looked for anywhere in a line")
{
    const line_pattern done("^done( [0-9]+)?$");
    CHECK(done.is_in("done"));
    CHECK(done.is_in("done 17"));
    CHECK_FALSE(done.is_in("not done"));
    CHECK_FALSE(done.is_in("done "));
    CHECK(line_pattern("HOLD").is_in("I HOLD now"));
    CHECK(line_pattern("x").is_in("\xff\xfe x \x80"));
    CHECK(line_pattern("").is_in(""));
}

TEST_CASE("what cannot be used is refused with a reason")
{
    for (const std::string text :
         {"(", "[", "*", "[z-a]", R"((a)\1)", "a(?=b)", "((a{99}){99}){99}", "(\\pL{40}){25}"}) {
        CAPTURE(text);
        const auto why = why_no_pattern(text);
        REQUIRE(why);
        CHECK_FALSE(why->empty());
    }
    for (const std::string text : {"", "^done$", "a{2", "(a?){50}a{50}", "größe|\\bend\\b"}) {
        CAPTURE(text);
        CHECK_FALSE(why_no_pattern(text));
    }
}

TEST_CASE("patterns that a backtracking matcher would not finish are matched")
{
    const std::string line(4096, 'a');
    for (const std::string text : {"^(a|a)*b$", "(a*)*b", "^(a+)+$x", "(a?){60}a{60}b"}) {
        CAPTURE(text);
        CHECK_FALSE(why_no_pattern(text));
        const line_pattern pattern(text);
        for (int i = 0; i < 101; ++i)
            CHECK_FALSE(pattern.is_in(line));
    }
}

TEST_SUITE_END();
