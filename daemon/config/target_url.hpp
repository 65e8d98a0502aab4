// What a target's URL may be, before anything is resolved.
#pragma once

#include <optional>
#include <string>

namespace finwait::daemon {

/// What is wrong with the URL of a target, to follow its name; nullopt: nothing. http or https,
/// a host, no user info, a port from 1 to 65535, no fragment. A host that ends in a number and is
/// no address in its usual form (0x7f.1, 2130706433, 0251.0376.0251.0376) is refused:
/// getaddrinfo(3) makes an address of it that nobody sees. Pure.
std::optional<std::string> why_no_target(const std::string& url);

} // namespace finwait::daemon
