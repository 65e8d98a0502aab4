// One TCP segment made by hand, for what no socket would send. Needs CAP_NET_RAW and CAP_NET_ADMIN
// over the namespace: a lab has them.
#pragma once

#include "tests/support/socket_pair.hpp"

#include <array>

namespace finwait::test {

/// The sequence number of the next byte that a connected socket sends (TCP_REPAIR, tcp(7)).
inline std::uint32_t next_sequence_to_send(const unique_fd& socket)
{
    constexpr int off_without_window_probe = -1; // TCP_REPAIR_OFF_NO_WP
    set_option(socket, IPPROTO_TCP, TCP_REPAIR, 1);
    set_option(socket, IPPROTO_TCP, TCP_REPAIR_QUEUE, 2); // TCP_SEND_QUEUE
    const int number = get_option(socket, IPPROTO_TCP, TCP_QUEUE_SEQ);
    set_option(socket, IPPROTO_TCP, TCP_REPAIR, off_without_window_probe);
    return static_cast<std::uint32_t>(number);
}

/// The internet checksum over 16-bit words in network order, RFC 1071.
template <std::size_t Size>
std::uint16_t internet_checksum(const std::array<std::uint8_t, Size>& bytes)
{
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i + 1 < Size; i += 2)
        sum += static_cast<std::uint32_t>(bytes[i] << 8U | bytes[i + 1]);
    while (sum >> 16U != 0)
        sum = (sum & 0xffffU) + (sum >> 16U);
    return static_cast<std::uint16_t>(~sum);
}

/// Sends a RST with that sequence number as if `from.local` had sent it to `from.peer`. IPv4.
inline void send_reset(const socket_id& from, std::uint32_t sequence)
{
    // Pseudo header (RFC 9293 3.1): both addresses, protocol, length; then the 20 bytes of TCP.
    constexpr std::size_t pseudo = 12;
    std::array<std::uint8_t, pseudo + 20> bytes{};
    std::copy_n(from.local.address.begin(), 4, bytes.begin());
    std::copy_n(from.peer.address.begin(), 4, bytes.begin() + 4);
    bytes[9] = IPPROTO_TCP;
    bytes[11] = 20;
    const auto put16 = [&](std::size_t at, std::uint16_t value) {
        bytes[pseudo + at] = static_cast<std::uint8_t>(value >> 8U);
        bytes[pseudo + at + 1] = static_cast<std::uint8_t>(value);
    };
    put16(0, from.local.port);
    put16(2, from.peer.port);
    put16(4, static_cast<std::uint16_t>(sequence >> 16U));
    put16(6, static_cast<std::uint16_t>(sequence));
    put16(12, 5U << 12U | 0x04U); // five words, RST
    put16(16, internet_checksum(bytes));

    const unique_fd raw(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP));
    must(static_cast<bool>(raw), "raw socket");
    endpoint source = from.local;
    endpoint target = from.peer;
    source.port = target.port = 0;
    const socket_address here(source);
    const socket_address there(target);
    must(bind(raw.get(), here.get(), here.length) == 0, "bind raw");
    const ssize_t sent = sendto(raw.get(), bytes.data() + pseudo, 20, 0, there.get(), there.length);
    must(sent == 20, "send raw");
}

} // namespace finwait::test
