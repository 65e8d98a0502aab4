// One probe of another program's client, from plan to report.
#pragma once

#include "probe/judge/judge.hpp"
#include "probe/scene.hpp"
#include "probe/subject/client_order.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>

namespace finwait {

/// Starts the program against an origin that stalls, kills it, looks, lets the origin go, looks,
/// judges. All that it started is gone when this completes. Never throws for what a network, a
/// kernel or the program does.
net::awaitable<report> run_external(
    net::io_context& io, scene_maker& maker, plan what, std::string id, subject::client_order how
);

} // namespace finwait
