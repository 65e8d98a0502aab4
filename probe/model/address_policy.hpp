// Which addresses a configured target may lead to. Pure. The address that is asked about is the one
// that is connected to, whatever a name resolved to before.
#pragma once

#include "probe/model/endpoint.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace finwait {

/// What an address is for (IANA's special-purpose registries, RFC 6890, and what clouds use for
/// their metadata services).
enum class address_class {
    global,
    loopback,
    private_network, ///< RFC 1918, RFC 6598, RFC 4193
    link_local,      ///< and site-local
    metadata,        ///< of a cloud: 169.254.169.254 and its like
    reserved,        ///< unspecified, multicast, documentation, benchmarks, discard, future use
};

template <>
struct words<address_class>
{
    static constexpr std::string_view what = "class of address";
    static constexpr std::array<std::string_view, 6> table{
        "global", "loopback", "private", "link-local", "metadata", "reserved"};
};

/// The class of an address; its port does not matter. An IPv4 address inside an IPv6 one (mapped,
/// compatible, NAT64, 6to4, Teredo, ISATAP) counts as what it is, unless the outer one is of a
/// class that is let through less often.
address_class class_of(const endpoint& where);

/// What may be connected to besides global addresses.
struct address_policy
{
    bool allow_loopback = false;
    bool allow_private = false;

    friend bool operator==(const address_policy&, const address_policy&) = default;
};

bool permits(const address_policy& policy, address_class what);

/// `global`, `loopback`, `private` or `loopback,private`.
std::string to_string(const address_policy& policy);
/// The inverse; nullopt: something else.
std::optional<address_policy> parse_address_policy(std::string_view text);

} // namespace finwait
