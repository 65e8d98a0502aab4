// The verdict on one connection, from the looks at the client's end alone. The same rules judge
// observed looks and modelled ones.
#pragma once

#include "probe/judge/reasons.hpp"

#include <optional>

namespace finwait::judge {

/// Which look judges a kill.
enum class judging_look {
    first, ///< from inside the client, of the process, by itself: the client is done by then
    second ///< from outside: the client is held still until the first look
};

constexpr judging_look judged_at(kill_method by)
{
    return family_of(by) == kill_family::outside ? judging_look::second : judging_look::first;
}

/// Whether somebody is meant to have the descriptor still.
enum class keeper { nobody, stopped_process };

/// What one look means, and the reason that names it. For `released` the reason is no more than a
/// guess of the ordinary way there (probe/judge/explanation.hpp knows better).
struct reading
{
    finwait::verdict verdict = finwait::verdict::unverified;
    why cause = why::unexpected_state;
};

/// Reads one look at a client's end after the kill.
///   owned, a stopped process        held, whatever the state
///   owned, CLOSE or TIME_WAIT       leaked: a descriptor without a connection
///   owned, any other state          leaked; an owned FIN_WAIT2 minisock cannot be: unverified
///   ownerless, CLOSE or TIME_WAIT   released
///   ownerless, FIN_WAIT1, FIN_WAIT2, CLOSING, LAST_ACK   draining
///   ownerless, any other state      unverified: a client's end is never without an owner there,
///                                   only the other side's accept queue is
///   LISTEN                          unverified: that is not this connection
reading read_look(const look& seen, keeper meant);

/// The verdict on one connection.
struct ruling
{
    finwait::verdict verdict = finwait::verdict::unverified;
    why cause = why::no_look;           ///< of the verdict, as `reading` has it
    std::optional<tcp_state> end_state; ///< CLOSE or TIME_WAIT; absent unless released
    std::optional<look> last;           ///< the look that the verdict finally rests on
    bool ended_by_origin = false;       ///< leaked, and over at the second look
};

/// Judges a client's end (nullptr: it could not be identified). Judged at the first look, the
/// second may only turn draining into released: it never mends a leak and never turns held into
/// leaked. Looks that cannot both be true are `unverified`, unless the first shows a leak or a
/// stopped process. A holder other than the one meant counts as an owner at the first look.
ruling rule_on(const end* client, kill_method by);

} // namespace finwait::judge
