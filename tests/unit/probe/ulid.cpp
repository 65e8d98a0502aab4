// Identifiers that sort by time.
#include "probe/ulid.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <vector>

using finwait::is_ulid;
using finwait::make_ulid;
using std::chrono::milliseconds;
using std::chrono::system_clock;

namespace {

system_clock::time_point at_ms(std::int64_t ms)
{
    return system_clock::time_point(milliseconds(ms));
}

} // namespace

TEST_SUITE_BEGIN("probe/ulid");

// The counter is the process's own and never goes back: these cases go on from one another, and
// each uses a time later than those before it.

TEST_CASE("the first ten characters are the time, as the specification's example")
{
    CHECK(make_ulid(at_ms(1469918176385)).substr(0, 10) == "01ARYZ6S41");
}

TEST_CASE("every one is well formed, none is twice, and later calls sort later")
{
    std::vector<std::string> made;
    for (int i = 0; i < 10007; ++i)
        made.push_back(make_ulid(at_ms(1500000000000 + i / 101)));
    CHECK(std::all_of(made.begin(), made.end(), [](const auto& id) { return is_ulid(id); }));
    CHECK(std::is_sorted(made.begin(), made.end()));
    CHECK(std::set<std::string>(made.begin(), made.end()).size() == made.size());
}

TEST_CASE("a clock that goes back does not make them sort earlier")
{
    const auto before = make_ulid(at_ms(1600000000000));
    const auto after = make_ulid(at_ms(1));
    CHECK(after > before);
    CHECK(after.substr(0, 10) == before.substr(0, 10));
}

TEST_CASE("a time before 1970 and one beyond 48 bits are still well formed")
{
    CHECK(is_ulid(make_ulid(at_ms(-5))));
    const auto last = make_ulid(system_clock::time_point::max());
    CHECK(is_ulid(last));
}

TEST_CASE("what is a ULID")
{
    CHECK(is_ulid("01ARZ3NDEKTSV4RRFFQ69G5FAV"));
    CHECK(is_ulid("7ZZZZZZZZZZZZZZZZZZZZZZZZZ"));
    CHECK_FALSE(is_ulid(""));
    CHECK_FALSE(is_ulid("01ARZ3NDEKTSV4RRFFQ69G5FA"));
    CHECK_FALSE(is_ulid("01ARZ3NDEKTSV4RRFFQ69G5FAVX"));
    CHECK_FALSE(is_ulid("8ZZZZZZZZZZZZZZZZZZZZZZZZZ"));
    CHECK_FALSE(is_ulid("01arz3ndektsv4rrffq69g5fav"));
    CHECK_FALSE(is_ulid("01ARZ3NDEKTSV4RRFFQ69G5FAI"));
    CHECK_FALSE(is_ulid("01ARZ3NDEKTSV4RRFFQ69G5FAL"));
    CHECK_FALSE(is_ulid("01ARZ3NDEKTSV4RRFFQ69G5FAO"));
    CHECK_FALSE(is_ulid("01ARZ3NDEKTSV4RRFFQ69G5FAU"));
    CHECK_FALSE(is_ulid("../../../../../etc/passwd "));
}

TEST_SUITE_END();
