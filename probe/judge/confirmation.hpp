// Did the kill happen? Something other than our own call returning has to say so.
#pragma once

#include "probe/judge/reasons.hpp"

namespace finwait::judge {

/// Whether a kill is proved.
struct confirmation
{
    std::string by;                        ///< the evidence; empty: it is not proved
    why failure = why::kill_not_confirmed; ///< why not, when it is not
    std::string detail;                    ///< what was seen instead, when it is not
};

/// Weighs what the kill function proved (`kill.confirmed_by`), how the process ended, and the first
/// looks. Without a proof from the kill function the looks must show it:
///   inside the client, the process   the client's end lost its owner or is closing, or the
///   origin's
///                                    end is in CLOSE_WAIT or gone; or the process ended
///   stop                             never: a stopped process looks like a living one
///   abandon                          an owned end in an open state
///   inherit                          the holder is named
///   sock_destroy                     the client's end is in no listing
///   peer_close                       the client's end is in CLOSE_WAIT, LAST_ACK or gone, or the
///                                    origin's is closing
///   peer_reset                       the client's end is gone
///   peer_silent                      ESTABLISHED, and nothing more in its receive queue
/// Even with a proof an outside kill is refuted by a first look that cannot be after it, and
/// `inherit` without a holder proves nothing.
confirmation confirm(const report& seen);

} // namespace finwait::judge
