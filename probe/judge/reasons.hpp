// Why a socket ended as it did: every reason the judge can give, with its sentence and its source.
// The numbers are those of the close rules in probe/judge/close_rules.hpp.
#pragma once

#include "probe/model/report.hpp"

#include <cstdint>
#include <string_view>

namespace finwait::judge {

/// The reasons. Several may share a code when only the circumstances differ.
enum class why : std::uint8_t {
    // released
    fin_exchange,            ///< rule 1
    simultaneous_close,      ///< rule 15
    closed_passive,          ///< rule 3
    closed_syn_sent,         ///< rule 18
    reset_unread_data,       ///< rule 2
    unread_after_peer_fin,   ///< rule 4
    unread_with_linger,      ///< rule 6
    unread_after_shutdown,   ///< rule 8
    reset_linger,            ///< rule 5
    reset_close_wait,        ///< rule 17
    sock_destroyed,          ///< rule 19a
    sock_destroyed_syn_sent, ///< rule 19b
    peer_reset,              ///< rule 20
    origin_reset_unread,     ///< rule 21
    origin_wrote_after_fin,  ///< rule 12
    server_reset,            ///< rules 12, 17 or 21 at a server that cannot be seen
    no_socket,
    // draining
    peer_not_closed,    ///< rule 9
    fin_wait2_orphan,   ///< rule 10
    undelivered_fin,    ///< rule 13
    fin_unacknowledged, ///< rule 14
    // held
    process_stopped,
    pooled_idle,
    // leaked
    leak_established,
    leak_close_wait, ///< rule 16
    leak_syn_sent,
    fin_wait2_owned, ///< rule 11
    leak_half_closed,
    leak_zombie_fd,     ///< rule 20
    leak_hidden_holder, ///< rule 25
    pooled_dead,
    unread_response,
    extra_connection,
    not_cancelled,
    pool_growth,
    ended_by_origin,
    control_caught,
    control_escaped,
    // unverified
    kill_not_confirmed,
    kill_contradicted,
    closed_before_kill,
    no_connection,
    no_client_end,
    no_cookie,
    no_look,
    unexpected_state,
    contradictory_looks,
    time_wait_overflow, ///< rule 35
    impossible_plan,
    // circumstances
    tls_tickets_unread, ///< rule 27
    shutdown_first,     ///< rule 7
    process_ended,      ///< rule 24
    client_deadline,
    transient,
    ends_with_process,
    origin_turn,
    unexpected_end,
    client_dead,
    differs_from_expectation,
};

/// What is always said of a reason.
struct known_reason
{
    std::string_view code;
    std::string_view text; ///< one sentence, without its full stop when a detail may follow
    std::string_view source;
};

/// The table's entry.
const known_reason& about(why what);

/// The reason as a report carries it; a `detail` that is not empty stands in brackets at its end.
reason describe(why what, std::string_view detail = {});

/// A circumstance explains beside another reason and never alone.
constexpr bool is_circumstance(why what)
{
    return what >= why::tls_tickets_unread && what <= why::origin_turn;
}

} // namespace finwait::judge
