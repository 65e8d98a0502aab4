// One probe of another program's client, from plan to report.
#pragma once

#include "probe/baseline.hpp"
#include "probe/judge/judge.hpp"
#include "probe/scene.hpp"
#include "probe/subject/client_order.hpp"

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>

namespace finwait {

/// What a run is for.
struct run_purpose
{
    /// Measures what its client keeps after its successes, where the client lives on; null: the
    /// order's number holds.
    baseline_book* baselines = nullptr;
    /// How often a driver is told to make its requests before the kill; more than once only at
    /// `idle`.
    unsigned rounds = 1;
};

/// Starts the program against an origin that stalls, kills it, looks, lets the origin go, looks,
/// judges. All that it started is gone when this completes. Never throws for what a network, a
/// kernel or the program does.
net::awaitable<report> run_external(
    net::io_context& io,
    scene_maker& maker,
    plan what,
    std::string id,
    subject::client_order how,
    run_purpose why = {}
);

} // namespace finwait
