#include "daemon/probes/probe_book.hpp"

#include <algorithm>
#include <utility>

namespace finwait::daemon {

namespace {

// Records of probes that are over; their reports are in the history.
constexpr std::size_t most_remembered = 512;

bool is_over(web::run_state state)
{
    return state == web::run_state::done || state == web::run_state::cancelled;
}

} // namespace

bool probe_book::ask(asked_probe wanted)
{
    if (waiting_.size() >= limit_)
        return false;
    web::probe_record& made = records_[wanted.id];
    made.id = wanted.id;
    made.plan = wanted.what.as_asked;
    waiting_.push_back(std::move(wanted));
    return true;
}

std::vector<asked_probe> probe_book::next_batch(std::size_t most)
{
    std::vector<asked_probe> batch;
    while (!waiting_.empty() && batch.size() < most) {
        const bool is_same = batch.empty() || waiting_.front().what.as_asked.target ==
                                                  batch.front().what.as_asked.target;
        if (!is_same)
            break;
        batch.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
        records_[batch.back().id].state = web::run_state::running;
    }
    return batch;
}

void probe_book::reported(const std::string& id)
{
    if (const auto found = records_.find(id); found != records_.end())
        close(found->second, web::run_state::done, {});
}

void probe_book::ended(const std::string& id, const std::string& why)
{
    if (const auto found = records_.find(id); found != records_.end())
        close(found->second, web::run_state::cancelled, why);
}

probe_removal probe_book::remove(std::string_view id)
{
    const auto found = records_.find(id);
    if (found == records_.end())
        return probe_removal::unknown;
    if (is_over(found->second.state))
        return probe_removal::over;
    const bool waited =
        std::erase_if(waiting_, [&](const auto& each) { return each.id == id; }) > 0;
    close(found->second, web::run_state::cancelled, "it was cancelled");
    return waited ? probe_removal::withdrawn : probe_removal::running;
}

const web::probe_record* probe_book::find(std::string_view id) const
{
    const auto found = records_.find(id);
    return found == records_.end() ? nullptr : &found->second;
}

bool probe_book::is_underway(std::string_view id) const
{
    const auto* const found = find(id);
    return found != nullptr && !is_over(found->state);
}

void probe_book::close(web::probe_record& of, web::run_state state, std::string why)
{
    // A report that comes after a cancellation counts: it is there, and can be read.
    if (is_over(of.state)) {
        if (state == web::run_state::done) {
            of.state = state;
            of.why.clear();
        }
        return;
    }
    of.state = state;
    of.why = std::move(why);
    over_.push_back(of.id);
    if (over_.size() <= most_remembered)
        return;
    records_.erase(over_.front());
    over_.pop_front();
}

} // namespace finwait::daemon
