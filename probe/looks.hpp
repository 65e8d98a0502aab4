// When the kernel is asked after the kill, and when it has said enough.
#pragma once

#include "probe/follow.hpp"

#include <array>
#include <chrono>

namespace finwait::looks {

using std::chrono::microseconds;

/// After the kill. The ACK of a FIN to a peer that has received data is delayed by 40 ms
/// (net/ipv4/tcp_input.c, TCP_DELACK_MIN).
inline constexpr std::array<microseconds, 5> first_times{
    microseconds(0),
    microseconds(2'000),
    microseconds(10'000),
    microseconds(60'000),
    microseconds(150'000)};

/// After the origin was let go.
inline constexpr std::array<microseconds, 4> second_times{
    microseconds(0), microseconds(5'000), microseconds(60'000), microseconds(150'000)};

inline constexpr std::array<microseconds, 1> once{microseconds(0)};

/// When the kernel is asked whether both ends stand where the kill point wants them.
inline constexpr microseconds first_wait{200};
inline constexpr microseconds longest_wait{10'000};

/// The next TCP transition of a released socket is the end of TIME_WAIT, which is computed.
inline bool is_final(const look& seen)
{
    return seen.state == tcp_state::TIME_WAIT || (seen.state == tcp_state::CLOSE && !seen.owned);
}

inline follower::done after_kill_settled(const follower& seen)
{
    const bool client = is_final(seen.client.latest) || seen.client.latest.minisock;
    return client ? follower::done::yes : follower::done::not_yet;
}

/// No descriptor keeps it: what is left is between the kernel and the peer, which is let go next.
inline follower::done after_kill_released(const follower& seen)
{
    return seen.client.latest.owned ? follower::done::not_yet : follower::done::yes;
}

inline follower::done after_origin_settled(const follower& seen)
{
    return is_final(seen.client.latest) ? follower::done::yes : follower::done::not_yet;
}

} // namespace finwait::looks
