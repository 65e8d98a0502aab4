// The service in one line.
#include "daemon/status_line.hpp"

#include "probe/ulid.hpp"

#include <doctest/doctest.h>

using namespace finwait;
using namespace finwait::daemon;
using std::chrono::sys_days;

TEST_SUITE_BEGIN("daemon/status_line");

TEST_CASE("it tells what runs, how the last one came out, what is open and what is next")
{
    using namespace std::chrono_literals;
    const auto noon = sys_days{std::chrono::year{2026} / 1 / 31} + 12h;
    CHECK(status_line({}) == "no audit has ended yet; no findings");
    line_facts now{.last = last_audit{"", outcome::findings, noon}, .open_findings = 2};
    CHECK(status_line(now) == "last audit findings at 2026-01-31 12:00 UTC; 2 findings");
    now.open_findings = 1;
    now.next = noon + 1h;
    CHECK(
        status_line(now) ==
        "last audit findings at 2026-01-31 12:00 UTC; 1 finding; next at 2026-01-31 13:00 UTC"
    );
    web::audit_record running{.name = "nightly", .planned = 40, .done = 7};
    now = {.running = &running};
    CHECK(status_line(now) == "audit nightly: 7 of 40 cells; no audit has ended yet; no findings");
}

TEST_CASE("a ULID tells when it was made")
{
    const auto now = std::chrono::system_clock::now();
    const auto read = started_from_ulid(make_ulid(now));
    REQUIRE(read);
    CHECK(now - *read < std::chrono::milliseconds(1));
    CHECK(*read <= now);
    CHECK_FALSE(started_from_ulid("nonsense"));
    CHECK(
        started_from_ulid("00000000010000000000000000")->time_since_epoch() ==
        std::chrono::milliseconds(1)
    );
}

TEST_SUITE_END();
