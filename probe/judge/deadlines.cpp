#include "probe/judge/deadlines.hpp"

#include <algorithm>
#include <cmath>

namespace finwait::judge {

namespace {

constexpr double rto_base_s = 0.2;     // TCP_RTO_MIN, what tcp_model_timeout() counts with
constexpr double slowest_rto_s = 0.21; // first timeouts seen on loopback: 0.204 to 0.21 s
constexpr double quickest_rto_s = 0.204;
constexpr double late_share = 0.125; // one step of the timer wheel
constexpr double grace_s = 0.05;
constexpr double time_wait_s = 60; // TCP_TIMEWAIT_LEN

std::int64_t after(const look& seen, double life_s)
{
    return seen.at_ns + static_cast<std::int64_t>(std::ceil(life_s * 1e9));
}

/// A timer that was set to `whole_s` and has `left_s` to go. How late it may be depends on how long
/// it was when it was set.
double with_slack(double left_s, double whole_s)
{
    return left_s + std::max(left_s, whole_s) * late_share + grace_s;
}

/// How long the FIN_WAIT2 minisock lasts. Above 60 s a full socket waits first, and both wait for
/// what is above (net/ipv4/tcp.c: __tcp_close(), tcp_timer.c: tcp_keepalive_timer()).
double fin_wait2_s(const kernel_settings& settings)
{
    const double wanted = std::max(settings.tcp_fin_timeout_s, 0);
    return wanted > time_wait_s ? wanted - time_wait_s : wanted;
}

double minisock_life(const look& seen, const kernel_settings& settings)
{
    const double left = seen.expires_ms / 1e3;
    const bool waits = seen.state == tcp_state::FIN_WAIT2;
    return with_slack(left, waits ? fin_wait2_s(settings) : time_wait_s);
}

double full_fin_wait2_life(const look& seen, const kernel_settings& settings)
{
    const double then = fin_wait2_s(settings);
    const double left = seen.timer == tcp_timer::keepalive ? seen.expires_ms / 1e3 : then;
    return with_slack(left, then) + with_slack(then, then);
}

double limit_s(const kernel_settings& settings)
{
    return std::clamp(settings.tcp_rto_max_ms, 1'000, 120'000) / 1e3;
}

/// tcp_model_timeout(): how long `retries` doublings of the shortest timeout take.
double model_timeout_s(int retries, double limit)
{
    const int doublings = static_cast<int>(std::log2(limit / rto_base_s));
    if (retries <= doublings)
        return (std::exp2(retries + 1) - 1) * rto_base_s;
    return (std::exp2(doublings + 1) - 1) * rto_base_s + (retries - doublings) * limit;
}

/// The first timeout as the look betrays it: what is left of it, halved as often as it doubled.
/// A probe timer tells nothing: its interval doubles without counting.
double rto_of(const look& seen)
{
    const double left = seen.timer == tcp_timer::retransmit ? seen.expires_ms / 1e3 : 0;
    return std::max(slowest_rto_s, left / std::exp2(std::min(seen.retransmits, 16U)));
}

double orphan_life(const look& seen, const kernel_settings& settings)
{
    const double rto = rto_of(seen);
    // At the edge of the formula the smaller timeout takes one doubling more.
    const double silent =
        std::max(silent_peer_life_s(rto, settings), silent_peer_life_s(quickest_rto_s, settings));
    const double closed =
        seen.timer == tcp_timer::probe0 ? closed_window_life_s(slowest_rto_s, settings) : 0;
    const double life = std::max(silent, closed);
    return with_slack(life, life);
}

} // namespace

double silent_peer_life_s(double rto_s, const kernel_settings& settings)
{
    const double limit = limit_s(settings);
    const bool by_default = settings.tcp_orphan_retries <= 0;
    const int retries = by_default ? 8 : std::min(settings.tcp_orphan_retries, 255);
    const double allowed = model_timeout_s(retries, limit);
    double now = rto_s; // the tail loss probe
    double interval = rto_s;
    // With the default of 8 an end whose timeout has reached the limit gets no retry at all.
    while (now - 2 * rto_s < allowed) {
        now += interval;
        if (by_default && interval >= limit)
            break;
        interval = std::min(interval * 2, limit);
    }
    return now;
}

double closed_window_life_s(double rto_s, const kernel_settings& settings)
{
    const double limit = limit_s(settings);
    double life = limit;
    for (double interval = rto_s; interval < limit; interval *= 2)
        life += interval;
    return life;
}

std::optional<std::int64_t> gone_by(const look& seen, const kernel_settings& settings)
{
    using enum tcp_state;
    if (seen.owned)
        return std::nullopt;
    if (seen.minisock || seen.state == TIME_WAIT)
        return after(seen, minisock_life(seen, settings));
    if (seen.state == FIN_WAIT2)
        return after(seen, full_fin_wait2_life(seen, settings));
    if (seen.state == FIN_WAIT1 || seen.state == CLOSING || seen.state == LAST_ACK)
        return after(seen, orphan_life(seen, settings));
    return std::nullopt;
}

} // namespace finwait::judge
