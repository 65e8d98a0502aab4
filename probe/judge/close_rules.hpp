// One TCP connection under Linux's close rules, as a small symbolic model: what close(2),
// shutdown(2), SO_LINGER, SOCK_DESTROY, a read and a write do to both ends when nothing is lost on
// the way. Pure. Leaves out sequence numbers, times, and a network that drops packets.
//
//  rule situation                                        what the kernel does
//   1   close, nothing unread, the peer closes too       FIN_WAIT1, FIN_WAIT2, TIME_WAIT
//   2   close with unread data                           RST, gone at once
//   3   close, only the peer's FIN in the queue          LAST_ACK, gone; TIME_WAIT at the peer
//   4   close, the peer's data and FIN in the queue      RST out of CLOSE_WAIT, gone
//   5   SO_LINGER {1, 0} and close                       RST, gone
//   6   5 with unread data                               as 2
//   7   shutdown, then close                             as 1
//   8   shutdown, then close with unread data            FIN, at close RST
//   9   close, the peer does not close                   FIN_WAIT2 minisock until tcp_fin_timeout
//  11   shutdown, descriptor kept                        FIN_WAIT2, a full socket, for ever
//  12   the peer writes after our FIN                    the ownerless end answers RST, vanishes
//  13   close behind a closed window                     FIN_WAIT1 orphan; the data is delivered
//                                                        when the peer reads after all
//  15   both close at once                               TIME_WAIT at both ends
//  16   the peer closed, the descriptor is kept          CLOSE_WAIT for ever
//  17   RST out of CLOSE_WAIT                            gone, and the peer's FIN_WAIT2 too
//  18   close in SYN_SENT                                gone, no packet
//  19   SOCK_DESTROY                                     RST (none in SYN_SENT, none of a
//  minisock),
//                                                        CLOSE, the descriptor stays open
//  20   RST received                                     CLOSE; a descriptor stays open
//  21   the peer closes with its own queue unread        rule 2 from the other side
//  24   the owner dies                                   as close, when it was the last owner
//  25   a descriptor elsewhere                           close and death do nothing
//  34   RST to a TIME_WAIT                               gone (tcp_rfc1337 = 0)
//
// Sources: RFC 9293 3.6 and 3.10; net/ipv4/tcp.c __tcp_close(), tcp_disconnect(), tcp_abort();
// net/ipv4/tcp_minisocks.c tcp_timewait_state_process(); net/ipv4/tcp_input.c tcp_reset().
#pragma once

#include "probe/judge/reasons.hpp"

#include <vector>

namespace finwait::judge {

/// One end of the modelled connection.
struct side
{
    tcp_state state = tcp_state::ESTABLISHED;
    bool owned = true; ///< a descriptor refers to it
    bool minisock = false;
    bool unread = false; ///< data in the receive queue; a FIN is not data
    bool unsent = false; ///< data in the send queue that the peer's closed window keeps back
    bool shut = false;   ///< shutdown(2) has sent the FIN already

    friend bool operator==(const side&, const side&) = default;
};

/// An end that is not there: closed, without a descriptor.
constexpr side no_side()
{
    side none;
    none.state = tcp_state::CLOSE;
    none.owned = false;
    return none;
}

enum class which_end { client, origin };

constexpr which_end other(which_end one)
{
    return one == which_end::client ? which_end::origin : which_end::client;
}

/// Both ends, and which rules made the client's end what it is, in the order of their applying.
struct connection_model
{
    side client;
    side origin; ///< no_side(): the connection attempt was never answered
    std::vector<why> applied;
};

side& end_of(connection_model& model, which_end who);

/// close(2) of the last descriptor. Nothing happens when nobody owns the end. Rules 1-4, 7-9, 13,
/// 18, 20, 21.
void close_side(connection_model& model, which_end who);

/// shutdown(2) of both directions; the descriptor stays. Rules 7, 8, 11, 13. In SYN_SENT it ends
/// the attempt (net/ipv4/af_inet.c: inet_shutdown()).
void shutdown_side(connection_model& model, which_end who);

/// close(2) with SO_LINGER {1, 0}. Rules 5, 6, 17, 18.
void reset_side(connection_model& model, which_end who);

/// SOCK_DESTROY. The descriptor stays. Rule 19.
void destroy_side(connection_model& model, which_end who);

/// The owning process died, and it was the last reference. Rule 24.
void process_died(connection_model& model, which_end who);

/// Both close before either FIN arrives; nothing unread, nothing unsent, both ESTABLISHED. Rule 15.
void close_both(connection_model& model);

/// Sends data: to the queue of a living peer; an ownerless one answers with an RST. Rule 12.
void write_side(connection_model& model, which_end who);

/// Reads everything that is there and that the opened window lets follow, the peer's FIN included.
/// Rule 13.
void read_side(connection_model& model, which_end who);

} // namespace finwait::judge
