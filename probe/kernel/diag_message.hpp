// The messages of sock_diag(7): struct inet_diag_req_v2 out, struct inet_diag_msg in. Pure.
#pragma once

#include "probe/kernel/sock_diag.hpp"

#include <cstddef>
#include <optional>
#include <span>

#include <linux/inet_diag.h>
#include <linux/netlink.h>

namespace finwait::kernel {

/// One exact request as it goes out.
struct diag_request
{
    nlmsghdr header;
    inet_diag_req_v2 body;
};

/// What is wanted of the socket.
enum class diag_verb { look_up, destroy };

/// A request for exactly one socket. Cookie 0 becomes INET_DIAG_NOCOOKIE (any socket).
diag_request make_request(diag_verb what, const socket_id& which, std::uint32_t sequence);

/// A socket as the kernel describes it.
socket_view to_view(const inet_diag_msg& message);

/// Whether this is the socket that was asked for: same tuple, same cookie unless any will do, and
/// no listener. An IPv4-mapped address equals its IPv4 address: the kernel finds one by the other.
bool answers(const socket_view& found, const socket_id& which);

/// The cookie in its two halves, put together.
std::uint64_t cookie_of(const inet_diag_sockid& id);

/// One message of a datagram.
struct diag_answer
{
    std::uint32_t sequence = 0;
    int error = 0; ///< errno of an NLMSG_ERROR, 0 for an acknowledgement or a description
    std::optional<inet_diag_msg> socket; ///< absent unless it describes a socket
};

/// The first message of a datagram; nullopt when it is too short or of no kind known here. The
/// kernel answers every request with a datagram of its own.
std::optional<diag_answer> parse_answer(std::span<const std::byte> datagram);

} // namespace finwait::kernel
