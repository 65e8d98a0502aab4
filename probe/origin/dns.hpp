// As much of DNS as a nameserver needs that never answers but "no such name". No I/O. RFC 1035 4.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace finwait::origin {

/// The one question of a query.
struct dns_question
{
    std::string name; ///< lower case, labels joined by dots, no dot at the end; "" is the root
    std::uint16_t type = 0; ///< 1 A, 28 AAAA
    std::size_t end = 0;    ///< where the question ends in the packet
};

/// The question of a standard query with exactly one; nullopt for anything else: answers, other
/// opcodes, compressed or overlong names, labels with a dot or a control in them, cut packets.
std::optional<dns_question> parse_query(std::string_view packet);

/// The answer NXDOMAIN (RFC 1035 4.1.1, RCODE 3) with the question copied; RD is copied, RA set.
std::string nxdomain(std::string_view packet, const dns_question& question);

/// Whether a query for `asked` is one for `name`: the same, or with a search domain appended.
bool is_asked(std::string_view asked, std::string_view name);

} // namespace finwait::origin
