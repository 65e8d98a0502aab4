// A connection as a stream of Server-Sent Events (HTML standard, 9.2).
#pragma once

#include "web/connection_state.hpp"
#include "web/event_log.hpp"
#include "web/reaction.hpp"

#include <string>

namespace finwait::web {

/// An event as it stands in the stream. Data with line ends becomes several lines.
std::string frame_of(const event& what);

/// Sends the head and then events until the reader goes, reads too slowly or the server stops. A
/// reader that lags behind by more than the queue holds loses what waits and gets a `resync`; a
/// silence is broken by comments, so that a reader that is gone is found out.
net::awaitable<void> send_events(connection& c, event_stream what);

} // namespace finwait::web
