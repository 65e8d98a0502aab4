// Reads what comes on a connection: headers, and the bodies that are wanted.
#pragma once

#include "web/connection_state.hpp"

#include <chrono>
#include <cstddef>

namespace finwait::web {

/// Reads one header and not a byte more than it has to: then `parser` or `refusal` has it. False:
/// the client is gone or was too slow. `patience` is for its first byte.
net::awaitable<bool> read_header(connection& c, std::chrono::milliseconds patience);

/// Reads a body of that size into the request, having asked for it when the client waits to be
/// asked (RFC 9110 10.1.1). False: the client is gone or was too slow.
net::awaitable<bool> read_body(connection& c, std::size_t size);

} // namespace finwait::web
