// Workers in parallel, over one list of plans, whatever happens to them.
#pragma once

#include "daemon/worker_process.hpp"
#include "probe/model/audit.hpp"
#include "web/json/json.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace finwait::daemon {

/// How a crew works.
struct crew_options
{
    worker_options worker;
    unsigned jobs = 1; ///< workers at once, at most
    /// How long a worker may owe a report, and how long it may take to enter its lab. Generous:
    /// the longest probe waits for settle times and for its origin's limits.
    std::chrono::steady_clock::duration patience = std::chrono::seconds(60);
    /// From handing out one plan to handing out the next, for a server that is not ours; and when
    /// the first may be. Zero: as fast as they are taken. Asks for one worker.
    std::chrono::steady_clock::duration pace{};
    std::chrono::steady_clock::time_point not_before{};
};

/// What a crew tells. Called from the io_context, never from start(). The crew may be destroyed in
/// `finished`, and in no other.
struct crew_events
{
    /// The lab is entered (by the first worker): gives the plans, each with an id of its own.
    /// Called exactly once. When no worker could be started at all, with an environment that has
    /// no `kernel`; all plans then come back unverified.
    std::function<std::vector<json::plan_line>(const environment&)> entered;
    /// A report, as a struct and as its line. Exactly one per plan.
    std::function<void(report done, std::string_view line)> reported;
    /// Something for the log: a worker died, could not be started.
    std::function<void(const std::string& text)> noted;
    /// Every plan has its report, no worker is left. The last call.
    std::function<void()> finished;
};

/// Starts workers, feeds them, replaces those that die, and kills what these leave behind.
/// What a dead worker had in flight comes back as `unverified`, code `worker_died`. After several
/// deaths in a row without a report between them the rest is given up in the same way.
class crew
{
public:
    static std::unique_ptr<crew>
    make(net::io_context& io, const crew_options& how, crew_events events);

    virtual void start() = 0;

    /// Kills and reaps all workers and everything below them; no event follows. Blocks for a few
    /// milliseconds.
    virtual void stop() = 0;

    /// Workers that are alive.
    virtual unsigned workers() const = 0;

    /// Stops.
    virtual ~crew() = default;
};

} // namespace finwait::daemon
