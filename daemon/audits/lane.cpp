#include "daemon/audits/lane.hpp"

#include "daemon/audits/live_lane.hpp"
#include "daemon/crew_choice.hpp"
#include "probe/ulid.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace finwait::daemon {

namespace {

using std::chrono::system_clock;

} // namespace

// ---- asking

audit_queue::asked live_lane::ask(prepared_audit wanted)
{
    const std::string id = make_ulid(system_clock::now());
    auto came = queue_.ask(wanted.key, id);
    if (came.came_out != admission::queued)
        return came;
    auto& made = asked_[id];
    made.record.id = id;
    made.record.name = wanted.name;
    made.what = std::move(wanted);
    net::post(io_, alive_.guarded([this, id] {
        if (const auto* const record = audit(id))
            events_.moved(*record);
    }));
    advance_soon();
    return came;
}

std::optional<std::string> live_lane::ask(prepared_probe wanted)
{
    std::string id = make_ulid(system_clock::now());
    wanted.line.id = id;
    if (!probes_.ask({.id = id, .what = std::move(wanted)}))
        return std::nullopt;
    advance_soon();
    return id;
}

removal live_lane::cancel_audit(std::string_view id)
{
    const auto came = queue_.remove(id);
    const auto found = asked_.find(id);
    if (came == removal::unknown || found == asked_.end())
        return removal::unknown;
    if (came == removal::unqueued) {
        const std::string name = found->second.what.name;
        over_without_history(std::string(id), web::run_state::cancelled);
        net::post(io_, alive_.guarded([this, key = std::string(id), name] {
            events_.ended({.what = nullptr, .id = key, .name = name});
        }));
        return came;
    }
    if (now_ && now_->run) {
        finish(now_->run->interrupt());
    } else if (now_) {
        now_->look.reset();
        finish({});
    }
    return came;
}

probe_removal live_lane::cancel_probe(std::string_view id)
{
    const auto came = probes_.remove(id);
    if (came != probe_removal::running || !now_ || now_->what != turn_of::probes)
        return came;
    const bool any = std::any_of(now_->probes.begin(), now_->probes.end(), [&](const auto& each) {
        return probes_.is_underway(each);
    });
    if (any)
        return came;
    if (now_->run) {
        finish(now_->run->interrupt());
    } else {
        now_->look.reset();
        finish({});
    }
    return came;
}

void live_lane::stop()
{
    if (alive_.is_cut())
        return;
    alive_.cut();
    if (now_ && now_->run) {
        const auto rest = now_->run->interrupt();
        if (now_->has_begun)
            history_.end(rest);
    }
    now_.reset();
}

const web::audit_record* live_lane::audit(std::string_view id) const
{
    if (const auto found = asked_.find(id); found != asked_.end())
        return &found->second.record;
    const auto found = lost_.find(id);
    return found == lost_.end() ? nullptr : &found->second;
}

std::optional<std::string> live_lane::underway(std::string_view name) const
{
    for (const auto& [id, each] : asked_)
        if (each.what.name == name && !each.has_run)
            return id;
    return std::nullopt;
}

// ---- whose turn it is

void live_lane::advance_soon()
{
    net::post(io_, alive_.guarded([this] { advance(); }));
}

void live_lane::advance()
{
    give_way();
    if (now_)
        return;
    if (auto batch = probes_.next_batch(limits_.batch); !batch.empty())
        begin_probes(std::move(batch));
    else if (const auto next = queue_.next())
        begin_audit(*next);
    else if (std::exchange(is_lab_wanted_, false))
        begin_lab_look();
    else if (!programs_wanted_.empty())
        begin_program_look();
}

// Nobody waits for what is asked of programs for its own sake: whoever comes goes first.
void live_lane::give_way()
{
    const bool somebody_waits = probes_.waiting() != 0 || !queue_.waiting().empty();
    if (!now_ || now_->what != turn_of::programs || !somebody_waits)
        return;
    programs_wanted_ = std::move(now_->recipes);
    now_.reset();
}

void live_lane::begin_audit(const audit_queue::ticket& next)
{
    asked_audit& asked = asked_.at(next.id);
    now_ = std::make_unique<turn>();
    now_->what = turn_of::audit;
    now_->id = next.id;
    now_->name = asked.what.name;
    now_->target = asked.what.target;
    now_->recipes = std::move(asked.what.recipes);
    now_->request = std::move(asked.what.request);
    now_->request.id = next.id;
    asked.record.state = web::run_state::running;
    asked.record.started = system_clock::now();
    events_.moved(asked.record);
    look_then_launch();
}

void live_lane::begin_probes(std::vector<asked_probe> batch)
{
    now_ = std::make_unique<turn>();
    now_->what = turn_of::probes;
    now_->id = make_ulid(system_clock::now());
    now_->name = single_probe;
    now_->target = batch.front().what.as_asked.target;
    auto& request = now_->request;
    request.id = now_->id;
    for (asked_probe& each : batch) {
        now_->probes.push_back(each.id);
        for (recipe& one : each.what.recipes)
            now_->recipes.push_back(std::move(one));
        const plan& asked = each.what.as_asked;
        request.by_name.insert(
            {std::string(word(asked.at)),
             std::string(word(asked.by)),
             std::string(word(asked.family)),
             asked.subject.substr(0, asked.subject.find(':'))}
        );
        request.plans.push_back(std::move(each.what.line));
    }
    request.crew = std::move(batch.front().what.crew);
    const auto slowest = choose_crew(request.plans, 1, 0);
    request.crew.patience = slowest.patience;
    request.crew.worker.in_flight = slowest.worker.in_flight;
    look_then_launch();
}

void live_lane::begin_lab_look()
{
    now_ = std::make_unique<turn>();
    now_->what = turn_of::lab;
    launch();
}

void live_lane::begin_program_look()
{
    now_ = std::make_unique<turn>();
    now_->what = turn_of::programs;
    now_->recipes = std::exchange(programs_wanted_, {});
    look_then_launch();
}

void live_lane::look_then_launch()
{
    if (now_->recipes.empty())
        return launch();
    now_->look = program_look::start(io_, now_->recipes, [this](const auto& found) {
        // Not from here: the look is let go.
        net::post(io_, alive_.guarded([this, found] {
            if (now_ && now_->look)
                seen(found);
        }));
    });
}

void live_lane::seen(const std::vector<presence>& found)
{
    now_->look.reset();
    for (std::size_t i = 0; i < found.size() && i < now_->recipes.size(); ++i)
        programs_[now_->recipes[i].name] = found[i];
    events_.looked();
    if (now_->what == turn_of::programs) {
        now_.reset();
        return advance();
    }
    now_->request.absent = absent_of(now_->recipes, found);
    launch();
}

void live_lane::launch()
{
    auto& request = now_->request;
    if (request.crew.pace > request.crew.pace.zero())
        if (const auto last = last_asked_.find(now_->target); last != last_asked_.end())
            request.crew.not_before = last->second + request.crew.pace;
    now_->run = audit_run::start(
        io_,
        std::move(request),
        {.entered =
             [this](const environment& where) {
                 now_->where = where;
                 is_lab_wanted_ = false;
                 if (now_->target == built_in_target) // the others are reached from the host
                     events_.entered(where);
             },
         .planned = [this](std::size_t cells) { planned(cells); },
         .reported = [this](const report& done, std::string_view line) { take(done, line); },
         .noted = events_.noted,
         .finished =
             [this](finwait::audit done) {
                 finish(std::move(done));
             }}
    );
}

std::unique_ptr<lane>
lane::make(net::io_context& io, history& stored, lane_limits limits, lane_events events)
{
    return std::make_unique<live_lane>(io, stored, limits, std::move(events));
}

} // namespace finwait::daemon
