#include "daemon/feed.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace finwait::daemon {

feed::feed(std::vector<json::plan_line> plans, std::size_t window)
    : waiting_(std::make_move_iterator(plans.begin()), std::make_move_iterator(plans.end())),
      window_(window)
{
}

std::optional<json::plan_line> feed::next(unsigned worker, time_point now)
{
    auto& owed = with_worker_[worker];
    if (waiting_.empty() || owed.size() >= window_)
        return std::nullopt;
    owed.push_back({std::move(waiting_.front()), now});
    waiting_.pop_front();
    return owed.back().line;
}

std::optional<json::plan_line> feed::answered(unsigned worker, const std::string& id)
{
    auto& owed = with_worker_[worker];
    const auto found = std::find_if(owed.begin(), owed.end(), [&](const given& each) {
        return each.line.id == id;
    });
    if (found == owed.end())
        return std::nullopt;
    json::plan_line line = std::move(found->line);
    owed.erase(found);
    return line;
}

std::vector<json::plan_line> feed::lost(unsigned worker)
{
    std::vector<json::plan_line> lines;
    for (given& each : with_worker_[worker])
        lines.push_back(std::move(each.line));
    with_worker_.erase(worker);
    return lines;
}

std::vector<json::plan_line> feed::abandon()
{
    std::vector<json::plan_line> lines(
        std::make_move_iterator(waiting_.begin()), std::make_move_iterator(waiting_.end())
    );
    waiting_.clear();
    return lines;
}

std::optional<feed::time_point> feed::oldest(unsigned worker) const
{
    const auto owed = with_worker_.find(worker);
    if (owed == with_worker_.end() || owed->second.empty())
        return std::nullopt;
    return owed->second.front().at;
}

bool feed::done() const
{
    return all_given() && std::all_of(with_worker_.begin(), with_worker_.end(), [](const auto& w) {
               return w.second.empty();
           });
}

} // namespace finwait::daemon
