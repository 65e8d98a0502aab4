// Servers that are not ours: where an http or https URL leads.
#pragma once

#include "probe/client/exchange.hpp"
#include "probe/kernel/sock_diag.hpp"

#include <string>
#include <string_view>

namespace finwait {

/// The destination that a URL names. A literal address is taken as it is; any other host is to be
/// resolved by the client. Errors (message says what is wrong): not http or https, no host, user
/// info, a port that is none, an address of the other family.
kernel::result<client::destination>
destination_of_url(const std::string& url, address_family family);

/// Whether it is an https URL, in whatever case of letters (RFC 3986 section 3.1).
bool is_https(std::string_view url);

} // namespace finwait
