#include "daemon/audits/audit_queue.hpp"

#include <algorithm>
#include <utility>

namespace finwait::daemon {

audit_queue::asked audit_queue::ask(const std::string& key, const std::string& id)
{
    if (running_ && running_->key == key)
        return {.came_out = admission::joined, .id = running_->id};
    const auto same = std::find_if(waiting_.begin(), waiting_.end(), [&](const ticket& each) {
        return each.key == key;
    });
    if (same != waiting_.end())
        return {.came_out = admission::joined, .id = same->id};
    // What will run at once does not wait.
    const std::size_t room = limit_ + (running_ ? 0 : 1);
    if (waiting_.size() >= room)
        return {.came_out = admission::full, .id = {}};
    waiting_.push_back({.key = key, .id = id});
    return {.came_out = admission::queued, .id = id};
}

std::optional<audit_queue::ticket> audit_queue::next()
{
    if (running_ || waiting_.empty())
        return std::nullopt;
    running_ = std::move(waiting_.front());
    waiting_.pop_front();
    return running_;
}

void audit_queue::ended(std::string_view id)
{
    if (running_ && running_->id == id)
        running_.reset();
}

removal audit_queue::remove(std::string_view id)
{
    if (running_ && running_->id == id)
        return removal::running;
    const auto count = std::erase_if(waiting_, [&](const ticket& each) { return each.id == id; });
    return count > 0 ? removal::unqueued : removal::unknown;
}

} // namespace finwait::daemon
