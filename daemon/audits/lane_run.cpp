// What has the lane, from its first report to being stored.
#include "daemon/audits/live_lane.hpp"

#include <boost/asio/post.hpp>

#include <chrono>
#include <memory>
#include <utility>

namespace finwait::daemon {

namespace {

using std::chrono::steady_clock;
using std::chrono::system_clock;

// How often an audit tells how far it is.
constexpr std::chrono::milliseconds between_moves{250};
// Of audits that are over and are not in the history.
constexpr std::size_t most_lost = 64;

} // namespace

void live_lane::planned(std::size_t cells)
{
    if (now_->what == turn_of::lab)
        return;
    history_.begin(
        {.id = now_->id, .name = now_->name, .started = system_clock::now(), .planned = cells}
    );
    history_.set_environment(now_->id, now_->where);
    now_->has_begun = true;
    if (const auto found = asked_.find(now_->id); found != asked_.end()) {
        found->second.record.planned = cells;
        events_.moved(found->second.record);
    }
}

void live_lane::take(const report& done, std::string_view line)
{
    events_.reported(done);
    // Names only: the URL is the configuration's, and may say more than everybody is to know.
    report renamed;
    std::string text;
    const bool is_ours = now_->target == built_in_target;
    if (!is_ours) {
        renamed = done;
        renamed.plan.target = now_->target;
        text = json::dump(renamed);
        last_asked_[now_->target] = steady_clock::now();
    }
    const report& told = is_ours ? done : renamed;
    const bool is_single = now_->what == turn_of::probes;
    web::report_event event{
        .id = done.id,
        .audit = is_single ? std::string() : now_->id,
        .at = done.plan.at,
        .by = done.plan.by,
        .subject = done.plan.subject,
        .verdict = done.verdict,
        .as_expected = done.as_expected,
        .is_control = done.control};
    history_.add(
        now_->id,
        told,
        is_ours ? line : std::string_view(text),
        alive_.guarded([this, is_single, event = std::move(event)](bool is_stored) {
            if (!is_stored)
                return;
            if (is_single)
                probes_.reported(event.id);
            events_.stored(event);
        })
    );
    const auto found = asked_.find(now_->id);
    if (found == asked_.end())
        return;
    ++found->second.record.done;
    const auto at = steady_clock::now();
    if (at - now_->moved < between_moves)
        return;
    now_->moved = at;
    events_.moved(found->second.record);
}

void live_lane::finish(finwait::audit done)
{
    const auto was = std::move(now_);
    if (was->what == turn_of::audit) {
        queue_.ended(was->id);
        finish_audit(*was, std::move(done));
    } else if (was->what == turn_of::probes) {
        finish_probes(*was, done);
    }
    advance_soon();
}

void live_lane::finish_audit(const turn& was, finwait::audit done)
{
    if (const auto found = asked_.find(was.id); found != asked_.end())
        found->second.has_run = true;
    if (!was.has_begun) {
        over_without_history(was.id, web::run_state::cancelled);
        net::post(io_, alive_.guarded([this, id = was.id, name = was.name] {
            events_.ended({.what = nullptr, .id = id, .name = name});
        }));
        return;
    }
    done.name = was.name;
    if (was.target != built_in_target)
        for (report& each : done.reports)
            each.plan.target = was.target;
    const auto kept = std::make_shared<const finwait::audit>(std::move(done));
    history_.end(*kept, alive_.guarded([this, kept, name = was.name](bool is_stored) {
        if (is_stored)
            asked_.erase(kept->id);
        else
            over_without_history(kept->id, web::run_state::done);
        events_.ended({.what = kept, .id = kept->id, .name = name, .is_stored = is_stored});
    }));
}

void live_lane::finish_probes(const turn& was, const finwait::audit& done)
{
    const auto close = [this, ids = was.probes](const std::string& why) {
        for (const std::string& each : ids)
            probes_.ended(each, why);
    };
    if (!was.has_begun)
        return close("it was cancelled");
    // Its reports were added before, and are told of before.
    history_.end(done, alive_.guarded([close](bool) { close("its report could not be stored"); }));
}

void live_lane::over_without_history(const std::string& id, web::run_state state)
{
    const auto found = asked_.find(id);
    if (found == asked_.end())
        return;
    found->second.record.state = state;
    lost_[id] = std::move(found->second.record);
    asked_.erase(found);
    lost_order_.push_back(id);
    if (lost_order_.size() <= most_lost)
        return;
    lost_.erase(lost_order_.front());
    lost_order_.pop_front();
}

} // namespace finwait::daemon
