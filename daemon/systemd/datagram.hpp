// One datagram to a socket of the service manager's; only for the sources beside it.
#pragma once

#include <string>
#include <string_view>

namespace finwait::daemon {

/// Sends it to a Unix datagram socket: a path, or an abstract name after `@`. One that is too large
/// for a datagram goes as a sealed memory file, as the journal takes it. False: it could not be
/// sent. Never blocks.
bool send_datagram(const std::string& to, std::string_view content);

} // namespace finwait::daemon
