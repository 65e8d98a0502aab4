#include "probe/model/address_policy.hpp"

#include <algorithm>
#include <initializer_list>
#include <span>

namespace finwait {

namespace {

using bytes = std::span<const std::uint8_t>;

// A range: its first bytes, of which `bits` count.
struct range
{
    std::array<std::uint8_t, 16> first;
    unsigned bits;
    address_class what;
};

bool is_in(bytes address, const range& where)
{
    const std::size_t whole = where.bits / 8;
    if (!std::equal(
            where.first.begin(), where.first.begin() + static_cast<int>(whole), address.begin()
        ))
        return false;
    const unsigned rest = where.bits % 8;
    const auto mask = static_cast<std::uint8_t>(0xff00U >> rest);
    return rest == 0 || ((address[whole] ^ where.first[whole]) & mask) == 0;
}

// The first that holds counts: single addresses stand before the ranges they lie in.
constexpr std::array<range, 22> ranges_v4{{
    {{169, 254, 169, 254}, 32, address_class::metadata},
    {{168, 63, 129, 16}, 32, address_class::metadata},   // Azure
    {{100, 100, 100, 200}, 32, address_class::metadata}, // Alibaba Cloud
    {{0}, 8, address_class::reserved},                   // RFC 791: this network
    {{10}, 8, address_class::private_network},
    {{100, 64}, 10, address_class::private_network}, // RFC 6598
    {{127}, 8, address_class::loopback},
    {{169, 254}, 16, address_class::link_local},
    {{172, 16}, 12, address_class::private_network},
    {{192, 0, 0}, 24, address_class::reserved},   // RFC 6890
    {{192, 0, 2}, 24, address_class::reserved},   // RFC 5737
    {{192, 88, 99}, 24, address_class::reserved}, // RFC 7526: 6to4 relays, withdrawn
    {{192, 168}, 16, address_class::private_network},
    {{198, 18}, 15, address_class::reserved},      // RFC 2544
    {{198, 51, 100}, 24, address_class::reserved}, // RFC 5737
    {{203, 0, 113}, 24, address_class::reserved},  // RFC 5737
    {{224}, 4, address_class::reserved},           // multicast
    {{240}, 4, address_class::reserved},           // RFC 1112, and the broadcast address
    {{192, 31, 196}, 24, address_class::reserved}, // AS112, RFC 7535
    {{192, 52, 193}, 24, address_class::reserved}, // AMT, RFC 7450
    {{192, 175, 48}, 24, address_class::reserved}, // AS112, RFC 7534
    {{255, 255, 255, 255}, 32, address_class::reserved},
}};

constexpr std::array<range, 12> ranges_v6{{
    {{0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54}, 128, address_class::metadata},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, address_class::loopback},
    {{0}, 128, address_class::reserved}, // unspecified
    {{0xfe, 0x80}, 10, address_class::link_local},
    {{0xfe, 0xc0}, 10, address_class::link_local},              // RFC 3879: site-local
    {{0xfc}, 7, address_class::private_network},                // RFC 4193
    {{0xff}, 8, address_class::reserved},                       // multicast
    {{0x20, 0x01, 0x0d, 0xb8}, 32, address_class::reserved},    // RFC 3849
    {{0x3f, 0xff}, 20, address_class::reserved},                // RFC 9637
    {{0x01, 0}, 64, address_class::reserved},                   // RFC 6666: discard
    {{0, 0x64, 0xff, 0x9b, 0, 1}, 48, address_class::reserved}, // RFC 8215: a NAT64 of one's own
    {{0x20, 0x01, 0, 0x02, 0, 0}, 48, address_class::reserved}, // RFC 5180: benchmarks
}};

template <std::size_t Size>
address_class class_in(bytes address, const std::array<range, Size>& ranges)
{
    const auto found = std::find_if(ranges.begin(), ranges.end(), [&](const range& each) {
        return is_in(address, each);
    });
    return found == ranges.end() ? address_class::global : found->what;
}

using four = std::array<std::uint8_t, 4>;

four four_at(bytes address, std::size_t first)
{
    four out{};
    std::copy_n(address.begin() + static_cast<std::ptrdiff_t>(first), 4, out.begin());
    return out;
}

bool begins_with(bytes address, std::initializer_list<std::uint8_t> prefix)
{
    return std::equal(prefix.begin(), prefix.end(), address.begin());
}

// The IPv4 address that an IPv6 one stands for or tunnels to.
std::optional<four> embedded(bytes address)
{
    if (begins_with(address, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff})) // RFC 4291 2.5.5.2
        return four_at(address, 12);
    if (begins_with(address, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})) // RFC 4291 2.5.5.1
        return four_at(address, 12);
    if (begins_with(address, {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})) // RFC 6052
        return four_at(address, 12);
    if (begins_with(address, {0x20, 0x02})) // RFC 3056: 6to4
        return four_at(address, 2);
    if (begins_with(address, {0x20, 0x01, 0, 0})) { // RFC 4380: Teredo, inverted
        four out = four_at(address, 12);
        for (auto& each : out)
            each = static_cast<std::uint8_t>(~each);
        return out;
    }
    const bool is_isatap = (address[8] & 0xfdU) == 0 && address[9] == 0 && address[10] == 0x5e &&
                           address[11] == 0xfe; // RFC 5214 6.1
    return is_isatap ? std::optional(four_at(address, 12)) : std::nullopt;
}

// :: and ::1 have the form of RFC 4291 2.5.5.1, and are what they are.
bool is_single(bytes address)
{
    return std::all_of(address.begin(), address.end() - 1, [](std::uint8_t b) { return b == 0; }) &&
           address.back() <= 1;
}

// From what may always be reached to what never may.
int strictness(address_class what)
{
    switch (what) {
    case address_class::global:
        return 0;
    case address_class::private_network:
        return 1;
    case address_class::loopback:
        return 2;
    case address_class::reserved:
        return 3;
    case address_class::link_local:
        return 4;
    case address_class::metadata:
        break;
    }
    return 5;
}

// Private outside and loopback inside would need both words; no tunnel ends at a loopback address
// (RFC 1122 3.2.1.3 (g)), so no word is enough.
address_class stricter(address_class own, address_class inner)
{
    if (own == address_class::private_network && inner == address_class::loopback)
        return address_class::reserved;
    return strictness(own) >= strictness(inner) ? own : inner;
}

} // namespace

address_class class_of(const endpoint& where)
{
    const bytes address(where.address);
    if (where.family == address_family::ipv4)
        return class_in(address.first(4), ranges_v4);
    const auto own = class_in(address, ranges_v6);
    const auto inner = embedded(address);
    return inner && !is_single(address) ? stricter(own, class_in(*inner, ranges_v4)) : own;
}

bool permits(const address_policy& policy, address_class what)
{
    switch (what) {
    case address_class::global:
        return true;
    case address_class::loopback:
        return policy.allow_loopback;
    case address_class::private_network:
        return policy.allow_private;
    case address_class::link_local:
    case address_class::metadata:
    case address_class::reserved:
        break;
    }
    return false;
}

std::string to_string(const address_policy& policy)
{
    if (policy.allow_loopback)
        return policy.allow_private ? "loopback,private" : "loopback";
    return policy.allow_private ? "private" : "global";
}

std::optional<address_policy> parse_address_policy(std::string_view text)
{
    for (const bool loopback : {false, true})
        for (const bool private_network : {false, true}) {
            const address_policy each{.allow_loopback = loopback, .allow_private = private_network};
            if (text == to_string(each))
                return each;
        }
    return std::nullopt;
}

} // namespace finwait
