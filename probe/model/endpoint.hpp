// An IP address and a port, without any networking library.
#pragma once

#include "probe/model/words.hpp"

#include <array>
#include <cstdint>
#include <string>

namespace finwait {

enum class address_family { ipv4, ipv6 };

template <>
struct words<address_family>
{
    static constexpr std::string_view what = "address family";
    static constexpr std::array<std::string_view, 2> table{"ipv4", "ipv6"};
};

/// One side's address. IPv4 uses the first four bytes, the rest is zero. An IPv4-mapped IPv6
/// address (::ffff:a.b.c.d) stays IPv6, since the kernel keeps such sockets in its IPv6 tables.
struct endpoint
{
    address_family family = address_family::ipv4;
    std::array<std::uint8_t, 16> address{}; ///< network order
    std::uint16_t port = 0;                 ///< host order

    friend bool operator==(const endpoint&, const endpoint&) = default;
};

/// `127.0.0.1:80` or `[::1]:80`, RFC 5952.
std::string to_string(const endpoint& where);

/// The inverse of `to_string`; false and `out` untouched when `text` is not such an endpoint.
bool parse_endpoint(const std::string& text, endpoint& out);

/// An IPv4-mapped IPv6 address (RFC 4291 2.5.5.2) as the IPv4 address it stands for; any other as
/// it is.
endpoint unmapped(const endpoint& where);

/// The loopback address of a family with that port.
endpoint loopback(address_family family, std::uint16_t port);

} // namespace finwait
