// The kills of another program's client.
#pragma once

#include "probe/external/connections.hpp"

namespace finwait::external {

/// Kills as the plan says and waits until the client has ended, has said that it is done, or has
/// had its time. Fills in `seen.kill`, but for `peer_silent`, which the first look confirms. A kill
/// that did not happen is an obstacle.
net::awaitable<void> kill(experiment& it, watched_connections& all);

} // namespace finwait::external
