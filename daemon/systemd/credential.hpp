// Secrets that the service manager hands over: LoadCredential=, systemd.exec(5).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace finwait::daemon {

/// The content of $CREDENTIALS_DIRECTORY/NAME, less one newline at its end. nullopt: there is none.
/// Throws usage_error, without a byte of it: it cannot be read, or has fewer than `least_bytes` or
/// more than 4 KiB.
std::optional<std::string> credential(std::string_view name, std::size_t least_bytes = 32);

} // namespace finwait::daemon
