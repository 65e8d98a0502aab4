// The looks at another program's client, after the kill and after the origin has let go.
#pragma once

#include "probe/external/connections.hpp"

namespace finwait::external {

/// For a client that lives on it is the last of its settle times that counts; the later ones come
/// only while anything is open.
net::awaitable<void> first_look(experiment& it, watched_connections& all);

net::awaitable<void> second_look(experiment& it, watched_connections& all);

} // namespace finwait::external
