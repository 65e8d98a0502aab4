#include "probe/kernel/diag_message.hpp"

#include <algorithm>
#include <cstring>

#include <linux/sock_diag.h>
#include <netinet/in.h>

namespace finwait::kernel {

namespace {

constexpr std::size_t address_bytes(address_family family)
{
    return family == address_family::ipv4 ? 4 : 16;
}

endpoint to_endpoint(unsigned family, const __be32 (&address)[4], __be16 port)
{
    endpoint where;
    where.family = family == AF_INET6 ? address_family::ipv6 : address_family::ipv4;
    std::memcpy(where.address.data(), address, address_bytes(where.family));
    where.port = ntohs(port);
    return where;
}

bool same(const endpoint& a, const endpoint& b)
{
    return a == b || unmapped(a) == unmapped(b);
}

/// `idiag_timer`: 0 none, 1 retransmit, 2 keepalive, 3 timewait, 4 zero window probe
/// (net/ipv4/inet_diag.c inet_sk_diag_fill()). Numbers to come are no timer we know.
tcp_timer to_timer(unsigned number)
{
    return number < all_of<tcp_timer>().size() ? static_cast<tcp_timer>(number) : tcp_timer::none;
}

} // namespace

diag_request make_request(diag_verb what, const socket_id& which, std::uint32_t sequence)
{
    diag_request request{};
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = what == diag_verb::look_up ? SOCK_DIAG_BY_FAMILY : SOCK_DESTROY;
    request.header.nlmsg_flags = NLM_F_REQUEST;
    if (what == diag_verb::destroy)
        request.header.nlmsg_flags |= NLM_F_ACK;
    request.header.nlmsg_seq = sequence;
    auto& body = request.body;
    body.sdiag_family = which.local.family == address_family::ipv4 ? AF_INET : AF_INET6;
    body.sdiag_protocol = IPPROTO_TCP;
    // idiag_states and idiag_ext stay 0: an exact request ignores the one and needs none of the
    // attributes that the other asks for.
    body.id.idiag_sport = htons(which.local.port);
    body.id.idiag_dport = htons(which.peer.port);
    const std::size_t length = address_bytes(which.local.family);
    std::memcpy(body.id.idiag_src, which.local.address.data(), length);
    std::memcpy(body.id.idiag_dst, which.peer.address.data(), length);
    const std::uint64_t cookie = which.cookie != 0 ? which.cookie : ~std::uint64_t{0};
    body.id.idiag_cookie[0] = static_cast<std::uint32_t>(cookie);
    body.id.idiag_cookie[1] = static_cast<std::uint32_t>(cookie >> 32U);
    return request;
}

std::uint64_t cookie_of(const inet_diag_sockid& id)
{
    return id.idiag_cookie[0] | std::uint64_t{id.idiag_cookie[1]} << 32U;
}

socket_view to_view(const inet_diag_msg& message)
{
    socket_view view;
    view.state = from_kernel(message.idiag_state);
    view.cookie = cookie_of(message.id);
    view.local = to_endpoint(message.idiag_family, message.id.idiag_src, message.id.idiag_sport);
    view.peer = to_endpoint(message.idiag_family, message.id.idiag_dst, message.id.idiag_dport);
    view.inode = message.idiag_inode;
    view.uid = message.idiag_uid;
    view.timer = to_timer(message.idiag_timer);
    // inet_twsk_diag_fill() sets timer 3 and inode 0, and nothing else ever has timer 3. The state
    // is the minisocket's substate.
    view.minisock = view.timer == tcp_timer::timewait && view.inode == 0 &&
                    (view.state == tcp_state::FIN_WAIT2 || view.state == tcp_state::TIME_WAIT);
    view.expires_ms = message.idiag_expires;
    view.retransmits = message.idiag_retrans;
    view.rqueue = message.idiag_rqueue;
    view.wqueue = message.idiag_wqueue;
    return view;
}

bool answers(const socket_view& found, const socket_id& which)
{
    return found.state != tcp_state::LISTEN &&
           (which.cookie == 0 || found.cookie == which.cookie) && same(found.local, which.local) &&
           same(found.peer, which.peer);
}

std::optional<diag_answer> parse_answer(std::span<const std::byte> datagram)
{
    nlmsghdr header{};
    if (datagram.size() < sizeof header)
        return std::nullopt;
    std::memcpy(&header, datagram.data(), sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > datagram.size())
        return std::nullopt;
    const auto payload = datagram.subspan(sizeof header, header.nlmsg_len - sizeof header);
    diag_answer answer;
    answer.sequence = header.nlmsg_seq;
    if (header.nlmsg_type == NLMSG_ERROR && payload.size() >= sizeof(nlmsgerr::error)) {
        int negative = 0;
        std::memcpy(&negative, payload.data(), sizeof negative);
        answer.error = -negative;
        return answer;
    }
    if (header.nlmsg_type == SOCK_DIAG_BY_FAMILY && payload.size() >= sizeof(inet_diag_msg)) {
        std::memcpy(&answer.socket.emplace(), payload.data(), sizeof(inet_diag_msg));
        return answer;
    }
    return std::nullopt;
}

} // namespace finwait::kernel
