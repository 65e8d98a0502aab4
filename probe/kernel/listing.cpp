#include "probe/kernel/listing.hpp"

#include "probe/kernel/diag_message.hpp"
#include "probe/kernel/netlink.hpp"
#include "probe/kernel/socket_address.hpp"
#include "probe/kernel/system_error.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace finwait::kernel {

namespace {

/// The kernel fills datagrams of at most 32 KiB (net/netlink/af_netlink.c netlink_dump()).
constexpr std::size_t datagram_bytes = 32 * 1024;
constexpr int buffer_bytes = 256 * 1024;

constexpr std::uint32_t all_but_listeners =
    ~(std::uint32_t{1} << static_cast<unsigned>(10 /* TCP_LISTEN, net/tcp_states.h */));

enum class progress { more, done };

diag_request dump_request(address_family family, listeners wanted)
{
    diag_request request = make_request(diag_verb::look_up, {}, 1);
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request.body.sdiag_family = static_cast<std::uint8_t>(domain_of(family));
    request.body.idiag_states =
        wanted == listeners::included ? ~std::uint32_t{0} : all_but_listeners;
    return request;
}

/// Takes the messages of one datagram.
result<progress> take(std::span<const std::byte> datagram, std::vector<socket_view>& into)
{
    while (datagram.size() >= sizeof(nlmsghdr)) {
        nlmsghdr header{};
        std::memcpy(&header, datagram.data(), sizeof header);
        if (header.nlmsg_len < sizeof header || header.nlmsg_len > datagram.size())
            return errno_code(EBADMSG);
        if (header.nlmsg_type == NLMSG_DONE)
            return progress::done;
        const auto answer = parse_answer(datagram.first(header.nlmsg_len));
        if (answer && answer->error != 0)
            return errno_code(answer->error);
        if (answer && answer->socket)
            into.push_back(to_view(*answer->socket));
        const std::size_t aligned = NLMSG_ALIGN(header.nlmsg_len);
        datagram = datagram.subspan(std::min(aligned, datagram.size()));
    }
    return progress::more;
}

result<void> list(
    netlink_socket& socket, address_family family, listeners wanted, std::vector<socket_view>& into
)
{
    const diag_request request = dump_request(family, wanted);
    if (auto sent = socket.send(std::as_bytes(std::span(&request, 1))); !sent)
        return sent.error();
    alignas(nlmsghdr) std::array<std::byte, datagram_bytes> buffer;
    for (;;) {
        // The kernel makes the next part of a dump inside the recv(2) that takes the one before.
        const auto size = socket.receive(buffer);
        if (!size)
            return size.error();
        const auto so_far = take(std::span(buffer).first(*size), into);
        if (!so_far)
            return so_far.error();
        if (*so_far == progress::done)
            return {};
    }
}

} // namespace

result<std::vector<socket_view>> list_tcp_sockets(listeners wanted)
{
    auto socket = netlink_socket::open(NETLINK_SOCK_DIAG, buffer_bytes);
    if (!socket)
        return socket.error();
    std::vector<socket_view> all;
    for (const auto family : {address_family::ipv4, address_family::ipv6})
        if (auto listed = list(*socket, family, wanted, all); !listed)
            return listed.error();
    return all;
}

} // namespace finwait::kernel
