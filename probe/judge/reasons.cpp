#include "probe/judge/reasons.hpp"

#include <array>

namespace finwait::judge {

namespace {

constexpr std::string_view tcp_close = "net/ipv4/tcp.c: __tcp_close()";
constexpr std::string_view own_rule = "finwait: a verdict needs proof";
constexpr std::string_view control_rule = "finwait: a control proves that a leak would be seen";

// In the order of the enumerators.
constexpr std::array table{
    known_reason{
        "fin_exchange",
        "the client closed first, both ends exchanged their FINs, and the client's end waits out "
        "TIME_WAIT without an owner",
        "RFC 9293 3.6; net/ipv4/tcp.c: __tcp_close(); TCP_TIMEWAIT_LEN"},
    known_reason{
        "simultaneous_close",
        "both ends closed at the same time, their FINs crossed, and both wait out TIME_WAIT",
        "RFC 9293 3.6 (figure 13); net/ipv4/tcp_input.c: tcp_rcv_state_process()"},
    known_reason{
        "closed_passive",
        "the peer had closed first, so the client's end answered with its own FIN and is gone; "
        "TIME_WAIT falls to the peer, and a FIN in the receive queue is not unread data",
        "RFC 9293 3.6; net/ipv4/tcp.c: __tcp_close()"},
    known_reason{
        "closed_syn_sent",
        "the connection was never established, so closing it removed the socket at once and sent "
        "no packet",
        "RFC 9293 3.10.4; net/ipv4/tcp.c: tcp_close(), tcp_disconnect()"},
    known_reason{
        "reset_unread_data",
        "the socket was closed with received data unread, so the kernel sent an RST instead of a "
        "FIN and dropped it at once: no TIME_WAIT at either end",
        "RFC 9293 3.6.1; RFC 2525 2.17; net/ipv4/tcp.c: __tcp_close()"},
    known_reason{
        "reset_unread_data",
        "the peer had sent data and a FIN, and the socket was closed without reading the data, so "
        "the kernel sent an RST out of CLOSE_WAIT and dropped it at once",
        "RFC 9293 3.6.1; RFC 2525 2.17; net/ipv4/tcp.c: __tcp_close()"},
    known_reason{
        "reset_unread_data",
        "received data was unread, which the kernel checks before SO_LINGER, so the RST is that of "
        "a close with unread data",
        tcp_close},
    known_reason{
        "reset_unread_data",
        "shutdown(2) sent the FIN, and close(2) then found received data unread and sent an RST: "
        "no TIME_WAIT remains",
        "RFC 9293 3.6.1; net/ipv4/tcp.c: __tcp_close()"},
    known_reason{
        "reset_linger",
        "SO_LINGER with a zero timeout made close(2) send an RST and drop the socket at once",
        "socket(7); net/ipv4/tcp.c: __tcp_close(), tcp_disconnect()"},
    known_reason{
        "reset_linger",
        "SO_LINGER with a zero timeout made close(2) send an RST out of CLOSE_WAIT, which also "
        "ended the peer's FIN_WAIT2",
        "socket(7); net/ipv4/tcp.c: tcp_disconnect()"},
    known_reason{
        "sock_destroyed",
        "SOCK_DESTROY aborted the connection with an RST, and its owner closed the descriptor that "
        "stays open until then",
        "sock_diag(7); net/ipv4/tcp.c: tcp_abort()"},
    known_reason{
        "sock_destroyed",
        "SOCK_DESTROY ended the connection attempt without a packet, and its owner closed the "
        "descriptor that stays open until then",
        "sock_diag(7); net/ipv4/tcp.c: tcp_abort()"},
    known_reason{
        "peer_reset",
        "the peer sent an RST, which ended the client's end at once: no TIME_WAIT",
        "RFC 9293 3.10.7.4; net/ipv4/tcp_input.c: tcp_reset(); "
        "net/ipv4/tcp_minisocks.c: tcp_timewait_state_process()"},
    known_reason{
        "origin_reset_unread",
        "the origin closed with request bytes unread, so its kernel sent an RST, which ended the "
        "client's end at once: no TIME_WAIT",
        "RFC 9293 3.6.1; net/ipv4/tcp.c: __tcp_close(); net/ipv4/tcp_input.c: tcp_reset()"},
    known_reason{
        "origin_wrote_after_fin",
        "the origin wrote after the client's FIN, the client's ownerless end answered with an RST "
        "and vanished: a graceful close that leaves no TIME_WAIT",
        "RFC 9293 3.10.7.4; net/ipv4/tcp_minisocks.c: tcp_timewait_state_process()"},
    known_reason{
        "server_reset",
        "the client closed with a FIN and an RST followed: the server wrote after the FIN, or "
        "closed with request bytes unread",
        "RFC 9293 3.6.1, 3.10.7.4; net/ipv4/tcp_minisocks.c: tcp_timewait_state_process()"},
    known_reason{
        "no_socket",
        "the name was still being looked up, so there was no TCP socket that could stay open",
        "RFC 9293 3.10.1; getaddrinfo(3)"},
    known_reason{
        "peer_not_closed",
        "the client closed with a FIN and the peer has not closed yet, so the kernel keeps an "
        "ownerless FIN_WAIT2 minisocket until tcp_fin_timeout: not a leak",
        "ip-sysctl tcp_fin_timeout; net/ipv4/tcp.c: __tcp_close()"},
    known_reason{
        "peer_not_closed",
        "the client closed with a FIN and the peer has not closed yet; tcp_fin_timeout is above "
        "60 s, so the kernel keeps an ownerless full socket first and a minisocket then",
        "ip-sysctl tcp_fin_timeout; net/ipv4/tcp_timer.c: tcp_keepalive_timer()"},
    known_reason{
        "undelivered_fin",
        "the client's FIN stands behind data that the peer's closed window does not let through; "
        "the kernel keeps the ownerless socket and probes the window until its timers give up",
        "net/ipv4/tcp_timer.c: tcp_probe_timer()"},
    known_reason{
        "fin_unacknowledged",
        "the client's FIN is sent and not yet acknowledged; the kernel keeps the ownerless socket "
        "and retransmits until its timers give up",
        "ip-sysctl tcp_orphan_retries; net/ipv4/tcp_timer.c: tcp_write_timeout()"},
    known_reason{
        "process_stopped",
        "the process is stopped, not ended: its descriptors stay open and nothing is closed until "
        "it continues or dies",
        "signal(7) SIGSTOP; kernel/signal.c: do_signal_stop()"},
    known_reason{
        "pooled_idle",
        "the exchange is complete, nothing is unread or unsent, and the living client keeps the "
        "connection for its next request, as it does after its successes",
        "RFC 9112 9.3; finwait: baseline"},
    known_reason{
        "leak_established",
        "the connection is still ESTABLISHED, held by a descriptor that nobody has closed: TCP has "
        "no timer for an idle connection",
        "RFC 9293 3.8.4; tcp(7) SO_KEEPALIVE"},
    known_reason{
        "leak_close_wait",
        "the peer has closed, and a descriptor that nobody has closed keeps the client's end in "
        "CLOSE_WAIT, which has no timeout",
        "RFC 9293 3.6; net/ipv4/tcp_input.c: tcp_fin()"},
    known_reason{
        "leak_syn_sent",
        "the connection attempt goes on, with a descriptor that nobody has closed",
        "ip-sysctl tcp_syn_retries"},
    known_reason{
        "fin_wait2_owned",
        "the client sent its FIN and kept the descriptor: FIN_WAIT2 with an owner has no timeout, "
        "unlike without one",
        "ip-sysctl tcp_fin_timeout; net/ipv4/tcp_input.c: tcp_rcv_state_process()"},
    known_reason{
        "leak_half_closed",
        "the client sent its FIN and kept a descriptor that nobody has closed",
        "shutdown(2); net/ipv4/tcp.c: tcp_shutdown()"},
    known_reason{
        "leak_zombie_fd",
        "the connection is over and in no kernel listing, but nobody has closed its descriptor",
        "sock_diag(7): unhashed sockets are not listed; net/ipv4/tcp.c: tcp_done()"},
    known_reason{
        "leak_hidden_holder",
        "somebody else has a descriptor of the socket open, so neither the client's close(2) nor "
        "its death closed the connection",
        "fork(2); close(2); net/socket.c: sock_close()"},
    known_reason{
        "pooled_dead",
        "the peer has closed a connection that the client keeps for its next request, and nobody "
        "reads it: the client's end stays in CLOSE_WAIT until it is used again or the process ends",
        "RFC 9112 9.5; RFC 9293 3.6"},
    known_reason{
        "unread_response",
        "bytes of the response lie unread in the client's receive queue, and the connection is "
        "still open: whoever has the response neither reads nor closes it",
        "tcp(7) SIOCINQ; RFC 9293 3.8.6"},
    known_reason{
        "extra_connection",
        "the client opened this connection, never sent a byte on it, and keeps it open",
        "RFC 9293 3.6; finwait: bytes at the origin"},
    known_reason{
        "not_cancelled",
        "the client's own end never came: it is still in its call, and the connection is open",
        "finwait: neither a hold line nor the end of the process"},
    known_reason{
        "pool_growth",
        "more connections stay open after this use than after the client's successes",
        "finwait: baseline"},
    known_reason{
        "ended_by_origin",
        "the connection ended only because the origin let go; the client had left it open, and "
        "that is what counts",
        "RFC 9293 3.6"},
    known_reason{
        "control_caught",
        "this cell leaks on purpose, and the leak was seen with the descriptor still open in its "
        "holder",
        control_rule},
    known_reason{
        "control_escaped",
        "this cell leaks on purpose, and the leak was not seen: what else was judged cannot be "
        "trusted",
        control_rule},
    known_reason{
        "kill_not_confirmed", "nothing but our own call proves that the kill happened", own_rule},
    known_reason{
        "kill_not_confirmed", "what the kernel shows contradicts that the kill happened", own_rule},
    known_reason{
        "closed_before_kill",
        "the client's end was closing or gone before the kill, so what came of it is not the "
        "kill's doing",
        own_rule},
    known_reason{"no_connection", "no connection was seen, so there was none to kill", own_rule},
    known_reason{
        "no_client_end", "the client's end of a connection could not be identified", own_rule},
    known_reason{
        "no_cookie",
        "the client's socket was not identified by its cookie before the kill, and a port number "
        "is no identity",
        "socket(7) SO_COOKIE; sock_diag(7)"},
    known_reason{"no_look", "the look that judges this kill was not taken", own_rule},
    known_reason{
        "unexpected_state",
        "the kernel showed something that the client's end cannot be after this kill",
        "sock_diag(7)"},
    known_reason{
        "contradictory_looks",
        "the two looks cannot both be true: no socket goes from the first state to the second",
        "RFC 9293 3.3.2"},
    known_reason{
        "time_wait_overflow",
        "the namespace's TIME_WAIT table was full (TCPTimeWaitOverflow), so the kernel went "
        "straight to CLOSE and the end proves nothing",
        "ip-sysctl tcp_max_tw_buckets; net/ipv4/tcp_minisocks.c: tcp_time_wait()"},
    known_reason{"impossible_plan", "this plan cannot be probed", own_rule},
    known_reason{
        "tls_tickets_unread",
        "the unread bytes are the session tickets that a TLS 1.3 server sends right after the "
        "handshake and that the client takes up with its first read only",
        "RFC 8446 4.6.1; SSL_CTX_set_num_tickets(3)"},
    known_reason{
        "shutdown_first",
        "shutdown(2) sent the FIN before close(2), which to the kernel is the same close",
        "shutdown(2); net/ipv4/tcp.c: tcp_shutdown()"},
    known_reason{
        "process_ended",
        "the process ended and the kernel closed its descriptors as close(2) would: how it died "
        "makes no difference",
        "_exit(2); kernel/exit.c: exit_files()"},
    known_reason{
        "client_deadline",
        "the origin said nothing more, and the client's own deadline closed the connection",
        "RFC 9293 3.8.3; boost::beast::tcp_stream::expires_after()"},
    known_reason{
        "transient",
        "the connection was open for a while after the client said that it is done, and went away "
        "by itself",
        "finwait: settle times"},
    known_reason{
        "ends_with_process",
        "only the client's own process has the descriptor: the kernel closes the connection when "
        "that process ends, and not before",
        "kernel/exit.c: exit_files()"},
    known_reason{
        "origin_turn",
        "the origin's end is in CLOSE_WAIT: the connection now waits for the origin, which is no "
        "fault of the client",
        "RFC 9293 3.6"},
    known_reason{
        "unexpected_end",
        "no close rule explains this end from what was seen",
        "RFC 9293 3.6; net/ipv4/tcp.c"},
    known_reason{
        "client_dead",
        "whatever the kernel shows, the client cannot make another request",
        "finwait: one more request with the same client"},
    known_reason{
        "differs_from_expectation",
        "what was observed differs from what a correct client on a correct kernel gives",
        own_rule},
};

static_assert(table.size() == static_cast<std::size_t>(why::differs_from_expectation) + 1);
static_assert(table[static_cast<std::size_t>(why::no_socket)].code == "no_socket");
static_assert(table[static_cast<std::size_t>(why::process_stopped)].code == "process_stopped");
static_assert(table[static_cast<std::size_t>(why::control_escaped)].code == "control_escaped");
static_assert(table[static_cast<std::size_t>(why::impossible_plan)].code == "impossible_plan");
static_assert(table[static_cast<std::size_t>(why::origin_turn)].code == "origin_turn");

} // namespace

const known_reason& about(why what)
{
    return table[static_cast<std::size_t>(what)];
}

reason describe(why what, std::string_view detail)
{
    const known_reason& known = about(what);
    reason made{std::string(known.code), std::string(known.text), std::string(known.source)};
    if (!detail.empty())
        made.text.append(" (").append(detail).append(")");
    return made;
}

} // namespace finwait::judge
