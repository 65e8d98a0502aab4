// From the start of the program to its kill point.
#pragma once

#include "probe/external/connections.hpp"

namespace finwait::external {

/// Completes when all requests have come to the kill point, as the origin and the kernel see it, or
/// with an obstacle that says what is missing. With `own` the program's word that it is done, or
/// its end, suffices once there is a connection.
net::awaitable<void> stand(experiment& it, watched_connections& all);

} // namespace finwait::external
