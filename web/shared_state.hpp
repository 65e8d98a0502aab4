// What the connections of one server share.
#pragma once

#include "web/counts.hpp"
#include "web/guard.hpp"
#include "web/server.hpp"
#include "web/status_page.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <memory>
#include <set>
#include <string>

namespace finwait::web {

class connection;

/// Lives as long as any of them. It closes connections whose time is over: one timer for all, set
/// to the earliest deadline. A timer of each connection's own (Beast's stream has one) would be set
/// and cancelled for every request, which costs more than the rest of a small answer.
class shared_state : public std::enable_shared_from_this<shared_state>
{
public:
    shared_state(net::io_context& io, backend& asked, server_options how, guard_rules guarded)
        : from(asked), options(std::move(how)), rules(std::move(guarded)), timer_(io)
    {
    }

    backend& from;
    server_options options;
    guard_rules rules;
    api_counts counts;
    status_page status;
    std::set<connection*> open; ///< each puts itself in and takes itself out

    /// Connections of one kind that are open.
    std::uint64_t& open_of(listener_kind kind)
    {
        return kind == listener_kind::tcp ? counts.tcp_connections : counts.unix_connections;
    }
    /// Those of them that are streams of events.
    std::uint64_t& streams_of(listener_kind kind)
    {
        return kind == listener_kind::tcp ? counts.tcp_streams : counts.unix_streams;
    }

    /// One line for the operator.
    void log(const std::string& line) const
    {
        if (options.log)
            options.log(line);
    }

    /// A connection is to be closed by then, unless its deadline is another one until then.
    void watch(std::chrono::steady_clock::time_point deadline);

    /// Closes all that are open, and watches no more.
    void stop();

private:
    void arm(std::chrono::steady_clock::time_point when);
    void sweep();

    net::steady_timer timer_;
    bool is_stopped_ = false;
    std::chrono::steady_clock::time_point armed_ = std::chrono::steady_clock::time_point::max();
};

} // namespace finwait::web
