// Whether the kernel shows both ends where the kill point wants them. Pure.
#pragma once

#include "probe/model/report.hpp"

#include <optional>
#include <string>

namespace finwait {

/// What the kernel must show before the kill; nullopt when it does, else what is still missing, in
/// words. The client and the origin have said already that they stand where they should. `origin`
/// is absent where its end cannot be seen.
std::optional<std::string>
not_ready(const plan& what, const look& client, const std::optional<look>& origin);

} // namespace finwait
