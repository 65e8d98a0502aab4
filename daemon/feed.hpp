// Which plan is where: waiting, with a worker, or done. No I/O, no clock of its own.
#pragma once

#include "web/json/json.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace finwait::daemon {

/// Hands plans to workers, in order, each worker at most a window of them at once, so that a
/// worker's death loses no more than its window.
class feed
{
public:
    using time_point = std::chrono::steady_clock::time_point;

    /// Every plan has an id, and no two the same.
    feed(std::vector<json::plan_line> plans, std::size_t window);

    /// The next plan for a worker; nullopt: its window is full, or none is waiting.
    std::optional<json::plan_line> next(unsigned worker, time_point now);

    /// The plan that a worker has answered for; nullopt: that worker was not given such a plan.
    std::optional<json::plan_line> answered(unsigned worker, const std::string& id);

    /// Takes back all that a worker has not answered for, in the order they were given.
    std::vector<json::plan_line> lost(unsigned worker);

    /// Takes back all that is still waiting.
    std::vector<json::plan_line> abandon();

    /// When a worker was given the oldest plan that it still owes; nullopt: it owes none.
    std::optional<time_point> oldest(unsigned worker) const;

    /// No plan is waiting.
    bool all_given() const { return waiting_.empty(); }
    /// No plan is waiting, and none is with a worker.
    bool done() const;

private:
    struct given
    {
        json::plan_line line;
        time_point at;
    };

    std::deque<json::plan_line> waiting_;
    std::map<unsigned, std::vector<given>> with_worker_; ///< in the order they were given
    std::size_t window_;
};

} // namespace finwait::daemon
