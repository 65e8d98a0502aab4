// Sizes and durations, read and shown.
#include "daemon/quantity.hpp"

#include <doctest/doctest.h>

using namespace finwait::daemon;
using std::chrono::milliseconds;

TEST_SUITE_BEGIN("daemon/quantity");

TEST_CASE("a size is digits with k, m or g, in any case, times 1024")
{
    struct row
    {
        const char* text;
        std::uint64_t bytes;
    };
    for (const auto& each : {
             row{"0", 0},
             row{"1", 1},
             row{"65536", 65536},
             row{"64k", 65536},
             row{"64K", 65536},
             row{"8m", 8388608},
             row{"8M", 8388608},
             row{"1g", 1073741824},
             row{"2G", 2147483648},
             row{"9223372036854775807", 9223372036854775807ULL},
         }) {
        CAPTURE(each.text);
        CHECK(parse_size(each.text) == each.bytes);
    }
}

TEST_CASE("what is no size, or too large for one, is none")
{
    for (const char* text :
         {"",
          "k",
          "-1",
          "+1",
          " 1",
          "1 ",
          "1.5k",
          "1kk",
          "1kb",
          "1t",
          "0x10",
          "9223372036854775808",
          "18446744073709551616",
          "8589934592g",
          "99999999999999999999999"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_size(text));
    }
}

TEST_CASE("a duration is digits with a unit")
{
    CHECK(parse_duration("500ms") == milliseconds(500));
    CHECK(parse_duration("8s") == milliseconds(8000));
    CHECK(parse_duration("5m") == milliseconds(300'000));
    CHECK(parse_duration("1h") == milliseconds(3'600'000));
    CHECK(parse_duration("0s") == milliseconds(0));
}

TEST_CASE("what is no duration, or longer than a year, is none")
{
    for (const char* text :
         {"", "8", "s", "-1s", "1.5s", "1 s", "1d", "1S", "9000h", "18446744073709551615h"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_duration(text));
    }
}

TEST_CASE("sizes and durations are shown with the unit that fits")
{
    CHECK(show_size(0) == "0 B");
    CHECK(show_size(1023) == "1023 B");
    CHECK(show_size(1024) == "1 KiB");
    CHECK(show_size(1536) == "1.5 KiB");
    CHECK(show_size(8 * 1024 * 1024) == "8 MiB");
    CHECK(show_duration(0) == "0 ns");
    CHECK(show_duration(999) == "999 ns");
    CHECK(show_duration(812'000) == "812 us");
    CHECK(show_duration(2'400'000) == "2.40 ms");
    CHECK(show_duration(61'000'000'000) == "61.0 s");
    CHECK(show_duration(119'000'000'000) == "119 s");
    CHECK(show_duration(340'000'000'000) == "5.67 min");
}

TEST_CASE("a count is digits within its bounds")
{
    CHECK(parse_count("1", 1, 9) == 1U);
    CHECK(parse_count("9", 1, 9) == 9U);
    for (const char* wrong :
         {"", "0", "10", "-1", "+1", "1x", " 1", "1.0", "99999999999999999999"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_count(wrong, 1, 9));
    }
}

TEST_SUITE_END();
