// What TCP_INFO says of an origin's own descriptors; tcp(7), struct tcp_info. Reads nothing from
// the connection and consumes no error. A source of its
// own: <linux/tcp.h> clashes with the <netinet/tcp.h> of other headers.
#pragma once

#include "probe/model/tcp_state.hpp"

#include <cstdint>
#include <optional>

namespace finwait::origin {

/// What the kernel has counted of a connection's payload, TLS records included; RFC 4898.
struct traffic
{
    std::uint64_t received_bytes = 0; ///< in order, whether read or not; a FIN counts as one
    std::uint64_t sent_bytes = 0;     ///< put on the wire, retransmissions left out
    bool peer_ended = false;          ///< it has sent its FIN or an RST, so that it is going

    friend bool operator==(const traffic&, const traffic&) = default;
};

/// nullopt when the descriptor cannot be asked.
std::optional<traffic> traffic_of(int fd);

/// The descriptor's state; CLOSE when it cannot be asked.
tcp_state state_of(int fd);

/// Whether the peer's receive window is what holds a send back: bytes wait unsent while everything
/// that was sent is acknowledged.
bool held_by_window(int fd);

/// Whether a listener drops further SYNs: its queue is longer than its backlog (net/ipv4/tcp.c
/// tcp_get_info: tcpi_unacked and tcpi_sacked of a listener; sk_acceptq_is_full).
bool accept_queue_full(int listener);

} // namespace finwait::origin
