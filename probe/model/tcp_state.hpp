// TCP's states and timers as Linux numbers and names them.
#pragma once

#include "probe/model/words.hpp"

namespace finwait {

/// The values are the kernel's, minus one (include/net/tcp_states.h); `from_kernel` converts.
enum class tcp_state {
    ESTABLISHED,
    SYN_SENT,
    SYN_RECV,
    FIN_WAIT1,
    FIN_WAIT2,
    TIME_WAIT,
    CLOSE, ///< also: the kernel has no such socket (ENOENT); sock_diag never reports it otherwise
    CLOSE_WAIT,
    LAST_ACK,
    LISTEN,
    CLOSING,
};

template <>
struct words<tcp_state>
{
    static constexpr std::string_view what = "TCP state";
    static constexpr std::array<std::string_view, 11> table{
        "ESTABLISHED",
        "SYN_SENT",
        "SYN_RECV",
        "FIN_WAIT1",
        "FIN_WAIT2",
        "TIME_WAIT",
        "CLOSE",
        "CLOSE_WAIT",
        "LAST_ACK",
        "LISTEN",
        "CLOSING"};
};

/// A kernel state number (1 ESTABLISHED … 11 CLOSING; 12 NEW_SYN_RECV and 13 BOUND_INACTIVE are
/// folded into SYN_RECV and CLOSE, as sock_diag reports them).
constexpr tcp_state from_kernel(unsigned number)
{
    if (number == 12)
        return tcp_state::SYN_RECV;
    return number >= 1 && number <= 11 ? static_cast<tcp_state>(number - 1) : tcp_state::CLOSE;
}

/// `idiag_timer`. `keepalive` is also the timer of a FIN_WAIT2 orphan when tcp_fin_timeout > 60 s;
/// `probe0` also stands for a local transmit that fails.
enum class tcp_timer { none, retransmit, keepalive, timewait, probe0 };

template <>
struct words<tcp_timer>
{
    static constexpr std::string_view what = "TCP timer";
    static constexpr std::array<std::string_view, 5> table{
        "none", "retransmit", "keepalive", "timewait", "probe0"};
};

} // namespace finwait
