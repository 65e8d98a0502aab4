// The text of /etc/resolv.conf, resolv.conf(5). Pure.
#pragma once

#include "probe/model/endpoint.hpp"

#include <string_view>
#include <vector>

namespace finwait::lab {

/// The `nameserver` lines in their order, port 53; the first three, as the resolver does (MAXNS).
/// Left out, but counted among the three: an address with a scope (`fe80::1%eth0`), which belongs
/// to a link that a lab does not have. Lines that are no address count for nothing.
std::vector<endpoint> parse_nameservers(std::string_view text);

} // namespace finwait::lab
