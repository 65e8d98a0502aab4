// The bounds against what the kernel was seen to need.
#include "probe/judge/deadlines.hpp"

#include "tests/unit/probe/judge/samples.hpp"

using namespace finwait;
using namespace finwait::judge;
using enum tcp_state;

namespace {

double seconds_until(const look& seen, const kernel_settings& settings)
{
    const auto by = gone_by(seen, settings);
    REQUIRE(by);
    return static_cast<double>(*by - seen.at_ns) / 1e9;
}

look orphan(tcp_state state, tcp_timer timer, std::uint32_t expires_ms)
{
    look seen = samples::seen_in(state);
    seen.minisock = timer == tcp_timer::timewait;
    seen.timer = timer;
    seen.expires_ms = expires_ms;
    return seen;
}

/// Not earlier than measured, and not so late that it says nothing.
void check_bound(double bound, double measured, double at_most)
{
    CAPTURE(bound);
    CHECK(bound >= measured);
    CHECK(bound <= at_most);
}

} // namespace

TEST_SUITE_BEGIN("probe/judge/deadlines");

TEST_CASE("a TIME_WAIT ends 60 s after it began, and the timer wheel may add an eighth")
{
    look seen = orphan(TIME_WAIT, tcp_timer::timewait, 60'000);
    seen.at_ns = 61'000'000;
    CHECK(gone_by(seen, {}) == 61'000'000 + 67'500'000'000 + 50'000'000);
    SUBCASE("late in its life the slack is that of the whole timer")
    {
        seen.expires_ms = 0;
        CHECK(seconds_until(seen, {}) == doctest::Approx(7.55));
    }
    SUBCASE("tcp_fin_timeout does not concern it")
    {
        CHECK(seconds_until(seen, {.tcp_fin_timeout_s = 2}) == doctest::Approx(67.55));
    }
}

TEST_CASE("a FIN_WAIT2 minisock lasts tcp_fin_timeout")
{
    struct row
    {
        int timeout_s;
        double measured_s;
    };
    for (const row& each : {row{2, 2.09}, {3, 3.24}, {5, 5.2}, {20, 20.2}, {60, 61.8}}) {
        CAPTURE(each.timeout_s);
        const auto left = static_cast<std::uint32_t>(each.timeout_s * 1000);
        const look seen = orphan(FIN_WAIT2, tcp_timer::timewait, left);
        const double bound = seconds_until(seen, {.tcp_fin_timeout_s = each.timeout_s});
        check_bound(bound, each.measured_s, each.measured_s * 1.2);
    }
}

TEST_CASE("above 60 s what is above is waited twice (rule 10)")
{
    struct row
    {
        int timeout_s;
        double measured_s;
    };
    for (const row& each : {row{61, 2.06}, {62, 4.04}, {70, 20.4}, {100, 82.8}}) {
        CAPTURE(each.timeout_s);
        const auto above = static_cast<std::uint32_t>((each.timeout_s - 60) * 1000);
        const kernel_settings settings{.tcp_fin_timeout_s = each.timeout_s};
        const look full = orphan(FIN_WAIT2, tcp_timer::keepalive, above);
        check_bound(seconds_until(full, settings), each.measured_s, each.measured_s * 1.25);
        const look mini = orphan(FIN_WAIT2, tcp_timer::timewait, above);
        check_bound(seconds_until(mini, settings), each.measured_s / 2, each.measured_s / 2 * 1.25);
    }
}

TEST_CASE("an orphan whose peer is silent lives by tcp_orphan_retries")
{
    struct row
    {
        int retries;
        double measured_s;
    };
    for (const row& each :
         {row{1, 1.7},
          {2, 3.3},
          {3, 6.7},
          {4, 6.8},
          {5, 13.4},
          {6, 26.7},
          {7, 53.1},
          {8, 108},
          {0, 108}})
        for (const tcp_state state : {FIN_WAIT1, CLOSING, LAST_ACK}) {
            CAPTURE(each.retries);
            const look seen = orphan(state, tcp_timer::retransmit, 204);
            const double bound = seconds_until(seen, {.tcp_orphan_retries = each.retries});
            check_bound(bound, each.measured_s, each.measured_s * 2.3); // one doubling
        }
    CHECK(silent_peer_life_s(0.208, {}) == doctest::Approx(106.5).epsilon(0.01));
    CHECK(
        silent_peer_life_s(0.208, {.tcp_orphan_retries = 2}) == doctest::Approx(3.33).epsilon(0.01)
    );
}

TEST_CASE("at the edge of the formula one doubling is allowed for")
{
    // With a first timeout of 0.204 s the fifth doubling is just too short for 4 retries.
    CHECK(
        silent_peer_life_s(0.204, {.tcp_orphan_retries = 4}) == doctest::Approx(13.06).epsilon(0.01)
    );
    CHECK(
        silent_peer_life_s(0.21, {.tcp_orphan_retries = 4}) == doctest::Approx(6.72).epsilon(0.01)
    );
    const look seen = orphan(FIN_WAIT1, tcp_timer::retransmit, 204);
    CHECK(seconds_until(seen, {.tcp_orphan_retries = 4}) > 13.06);
}

TEST_CASE("tcp_rto_max_ms shortens it")
{
    const look silent = orphan(FIN_WAIT1, tcp_timer::retransmit, 204);
    check_bound(seconds_until(silent, {.tcp_rto_max_ms = 1000}), 2.7, 3.5);
    const look closed = orphan(FIN_WAIT1, tcp_timer::probe0, 204);
    check_bound(seconds_until(closed, {.tcp_rto_max_ms = 1000}), 2.4, 3.5);
    check_bound(seconds_until(closed, {.tcp_rto_max_ms = 5000}), 11.8, 14);
}

TEST_CASE("an orphan behind a closed window lives until the probes reach the longest interval")
{
    for (const int retries : {0, 2, 5, 8}) {
        const look seen = orphan(FIN_WAIT1, tcp_timer::probe0, 204);
        check_bound(seconds_until(seen, {.tcp_orphan_retries = retries}), 343, 390);
    }
    CHECK(closed_window_life_s(0.2, {}) == doctest::Approx(324.6));
    look late = orphan(FIN_WAIT1, tcp_timer::probe0, 120'000);
    check_bound(seconds_until(late, {}), 120, 390);
}

TEST_CASE("a slow path has a longer first timeout")
{
    look seen = orphan(FIN_WAIT1, tcp_timer::retransmit, 1'000);
    CHECK(seconds_until(seen, {}) > silent_peer_life_s(1.0, {}));
    seen.retransmits = 3; // the same second is the fourth timeout: 125 ms at first
    CHECK(seconds_until(seen, {}) < silent_peer_life_s(1.0, {}));
}

TEST_CASE("what has an owner, is gone or has no timer has no deadline")
{
    for (const tcp_state state : all_of<tcp_state>())
        CHECK_FALSE(gone_by(samples::seen_in(state, samples::owner::someone), {}));
    for (const tcp_state state : {CLOSE, ESTABLISHED, SYN_SENT, SYN_RECV, CLOSE_WAIT, LISTEN})
        CHECK_FALSE(gone_by(samples::seen_in(state), {}));
}

TEST_CASE("strange settings give finite bounds")
{
    for (const int strange : {-1, 0, 1, 255, 1'000'000'000}) {
        const kernel_settings settings{strange, strange, strange, strange};
        for (const tcp_state state : {FIN_WAIT1, FIN_WAIT2, CLOSING, LAST_ACK, TIME_WAIT})
            for (const tcp_timer timer : all_of<tcp_timer>()) {
                look seen = orphan(state, timer, 4'294'967'295U);
                seen.retransmits = 4'294'967'295U;
                CHECK(seconds_until(seen, settings) > 0);
            }
    }
}

TEST_CASE("settings are taken from sysctls, strange ones are not")
{
    const auto made = settings_from(
        {{"tcp_fin_timeout", "3\n"}, {"tcp_orphan_retries", "2"}, {"tcp_rto_max_ms", "1000"}}
    );
    CHECK(made.tcp_fin_timeout_s == 3);
    CHECK(made.tcp_orphan_retries == 2);
    CHECK(made.tcp_rto_max_ms == 1000);
    CHECK(made.tcp_syn_retries == 6);
    for (const char* strange : {"", "\n", "x", "3x", "-1", "99999999999999", "3 4"}) {
        CAPTURE(strange);
        const auto kept = settings_from(
            {{"tcp_fin_timeout", strange},
             {"tcp_orphan_retries", strange},
             {"tcp_rto_max_ms", strange},
             {"tcp_syn_retries", strange}}
        );
        CHECK(kept.tcp_fin_timeout_s == 60);
        CHECK(kept.tcp_orphan_retries == 0);
        CHECK(kept.tcp_rto_max_ms == 120'000);
        CHECK(kept.tcp_syn_retries == 6);
    }
    CHECK(settings_from({}).tcp_fin_timeout_s == 60);
}

TEST_SUITE_END();
