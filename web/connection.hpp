// One connection of the HTTP server, from its first request to its close.
#pragma once

#include "web/listening.hpp"
#include "web/shared_state.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <memory>

namespace finwait::web {

/// An accepted socket that is to be served.
std::shared_ptr<connection>
make_connection(any_socket socket, listener_kind kind, std::shared_ptr<shared_state> shared);

/// Answers requests in order until the client, a refusal, a deadline or `close_now` ends it.
net::awaitable<void> serve(std::shared_ptr<connection> self);

/// Ends it in the next turn of the event loop.
void close_now(connection& which);

/// When it is to be closed if nothing happens; time_point::max(): never.
std::chrono::steady_clock::time_point deadline_of(const connection& which);

} // namespace finwait::web
