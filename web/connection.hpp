// One connection of the HTTP server, from its first request to its close.
#pragma once

#include "web/backend.hpp"
#include "web/server.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <memory>
#include <set>
#include <string>
#include <vector>

namespace finwait::web {

class connection;

/// What the connections of one server share. Lives as long as any of them.
struct shared_state
{
    const backend& from;
    server_options options;
    std::vector<std::string> hosts; ///< that mean us
    std::set<connection*> open{};   ///< each takes itself out
};

/// An accepted socket that is to be served.
std::shared_ptr<connection>
make_connection(net::ip::tcp::socket socket, std::shared_ptr<shared_state> shared);

/// Answers requests in order until the client, a refusal, a deadline or `close_now` ends it.
net::awaitable<void> serve(std::shared_ptr<connection> self);

/// Ends it in the next turn of the event loop.
void close_now(connection& which);

} // namespace finwait::web
