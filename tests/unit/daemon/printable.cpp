// What must never reach a terminal as it is.
#include "daemon/printable.hpp"

#include <doctest/doctest.h>

using namespace finwait::daemon;

TEST_SUITE_BEGIN("daemon/printable");

TEST_CASE("what could command a terminal or mislead a reader is escaped")
{
    struct row
    {
        std::string text;
        std::string shown;
    };
    const row rows[] = {
        {"plain text", "plain text"},
        {"grüße ✓", "grüße ✓"},
        {"\x1b]0;title\a", "\\x1b]0;title\\x07"},
        {"\x1b[2J", "\\x1b[2J"},
        {"over\rwritten\n", "over\\x0dwritten\\x0a"},
        {std::string("nul\0", 4), "nul\\x00"},
        {"del\x7f", "del\\x7f"},
        {"c1 \xc2\x9b", "c1 \\x9b"},
        {"bidi \xe2\x80\xae!", "bidi \\u202e!"},
        {"isolate \xe2\x81\xa6", "isolate \\u2066"},
        {"bad \xff\xfe", "bad \\xff\\xfe"},
        {"cut \xe2\x82", "cut \\xe2\\x82"},
        {"overlong \xc0\xaf", "overlong \\xc0\\xaf"},
        {"overlong3 \xe0\x80\xaf", "overlong3 \\xe0\\x80\\xaf"},
        {"surrogate \xed\xa0\x80", "surrogate \\xed\\xa0\\x80"},
        {"emoji \xf0\x9f\x98\x80", "emoji \xf0\x9f\x98\x80"},
        {"too high \xf5\x80\x80\x80", "too high \\xf5\\x80\\x80\\x80"},
    };
    for (const auto& [text, shown] : rows)
        CHECK(printable(text) == shown);
}

TEST_CASE("columns are code points, and padding counts them")
{
    CHECK(columns_of("✓ ok") == 4);
    CHECK(padded("✓", 3) == "✓  ");
    CHECK(padded("long", 2) == "long");
}

TEST_SUITE_END();
