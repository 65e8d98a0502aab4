#include "daemon/service.hpp"

#include "daemon/crew_choice.hpp"
#include "daemon/live_service.hpp"
#include "daemon/self.hpp"
#include "daemon/status_line.hpp"
#include "web/json/json.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <malloc.h>

namespace finwait::daemon {

namespace {

using boost::system::error_code;
using std::chrono::system_clock;
using web::problem;

// The clock may be set, and a suspended machine wakes up late: it is looked at this often at least.
constexpr std::chrono::seconds longest_sleep{60};
constexpr std::chrono::milliseconds shortest_sleep{20};

lane_limits limits_of(const configuration& how)
{
    return {
        .audits = how.limits.audit_queue,
        .probes = how.limits.queue,
        .batch = how.limits.in_flight != 0 ? how.limits.in_flight : audit_in_flight};
}

} // namespace

live_service::live_service(
    net::io_context& io, const configuration& how, history& stored, service_events events
)
    : io_(io), how_(how), history_(stored), tell_(std::move(events)),
      log_(static_cast<std::uint64_t>(
          std::chrono::duration_cast<std::chrono::microseconds>(started_.time_since_epoch()).count()
      )),
      alarm_(io), self_(facts_of_self())
{
    lane_ = lane::make(
        io_,
        history_,
        limits_of(how_),
        {.noted = [this](const std::string& text) { note(text); },
         .entered =
             [this](const environment& where) {
                 checks_ = checks_of(where);
                 status_changed();
             },
         .moved = [this](const web::audit_record& what) { moved(what); },
         .reported = [this](const finwait::report& done) { figures_.count(done); },
         .stored = [this](const web::report_event& what
                   ) { log_.add("report", what.audit, made(json::dump(what))); },
         .ended = [this](const ended_audit& done) { ended(done); },
         .looked =
             [this] {
                 render_subjects();
             }}
    );
    last_ = history_.last();
    remember_audits();
    read_recipes();
}

// ---- its life

void live_service::start()
{
    is_started_ = true;
    retire_others();
    plan_schedule();
    lane_->look_at_lab();
    lane_->look_for_programs(recipes_);
    tick();
}

void live_service::apply(const configuration& how)
{
    how_ = how;
    lane_->limit(limits_of(how_));
    history_.keep(how_.history);
    remember_audits();
    cannot_run_.clear();
    read_recipes();
    if (!is_started_)
        return;
    lane_->look_for_programs(recipes_);
    plan_schedule();
    log_.add("config", {}, made(json::dump_config_event({})));
    status_changed();
    tick();
    retire_others(); // last: a configuration that comes back does not bring their findings back
}

void live_service::stop()
{
    alarm_.cancel();
    is_started_ = false;
    lane_->stop();
}

void live_service::note_reload(bool succeeded, const std::string& detail)
{
    config_check_ = succeeded
                        ? health_check{}
                        : health_check{
                              .status = health::warn,
                              .detail = "the last reading failed, the old one stays: " + detail};
    if (!succeeded)
        log_.add("config", {}, made(json::dump_config_event(detail)));
    status_changed();
}

void live_service::history_changed()
{
    last_ = history_.last();
    status_changed();
}

// Those of the configuration alone. What is known already may not be stored.
void live_service::remember_audits()
{
    decltype(last_of_) known;
    for (const audit_settings& each : how_.audits)
        if (const auto found = last_of_.find(each.name); found != last_of_.end())
            known.insert(*found);
        else if (const auto last = history_.last(each.name))
            known.emplace(each.name, *last);
    last_of_ = std::move(known);
}

void live_service::retire_others()
{
    std::vector<std::string> names;
    names.reserve(how_.audits.size());
    for (const audit_settings& each : how_.audits)
        names.push_back(each.name);
    history_.retire(names, alive_.guarded([this](bool) { status_changed(); }));
}

void live_service::read_recipes()
{
    recipes_ = readable_recipes(recipe_directories_now());
    render_subjects();
}

void live_service::render_subjects()
{
    subjects_ = made(json::dump(subject_records(recipes_, lane_->programs())));
}

// ---- the schedule

void live_service::plan_schedule()
{
    const auto last_run = [this](std::string_view name) -> std::optional<past_run> {
        const auto last = history_.last(name);
        if (!last)
            return std::nullopt;
        const auto began = started_from_ulid(last->id);
        return past_run{.started = began.value_or(last->at), .ended = last->at};
    };
    timetable_.set(how_.audits, last_run, system_clock::now());
}

void live_service::tick()
{
    const auto now = system_clock::now();
    for (const due_audit& each : timetable_.due(now))
        run_due(each, now);
    sleep();
}

void live_service::sleep()
{
    using pause = net::steady_timer::duration;
    const auto now = system_clock::now();
    const auto next = timetable_.next(now);
    if (!next)
        return; // whatever changes that ticks
    alarm_.expires_after(
        std::clamp<pause>(std::chrono::ceil<pause>(*next - now), shortest_sleep, longest_sleep)
    );
    alarm_.async_wait([this](const error_code& ec) {
        if (!ec)
            tick();
    });
}

void live_service::run_due(const due_audit& due, system_clock::time_point now)
{
    if (const auto late = why_late(due, now); !late.empty()) {
        note(late);
        missed_[due.name] = due.missed + 1;
    } else {
        missed_[due.name] = 0;
    }
    const auto settings =
        std::find_if(how_.audits.begin(), how_.audits.end(), [&](const audit_settings& each) {
            return each.name == due.name;
        });
    if (settings == how_.audits.end())
        return;
    auto ready = prepare(*settings, context());
    if (const auto* const why = std::get_if<problem>(&ready)) {
        note(fmt::format("audit {} cannot be run: {}", due.name, why->detail));
        cannot_run_[due.name] = why->detail;
        timetable_.started(due.name, now);
        timetable_.ended(due.name, now);
        status_changed();
        return;
    }
    cannot_run_.erase(due.name);
    if (lane_->ask(std::move(std::get<prepared_audit>(ready))).came_out == admission::full) {
        note(fmt::format("audit {} has to wait: too many audits wait already", due.name));
        timetable_.refused(due.name, now);
        return;
    }
    timetable_.started(due.name, now);
    status_changed();
}

// ---- what happens

void live_service::moved(const web::audit_record& what)
{
    const bool begins = what.state == web::run_state::running && what.planned == 0;
    if (begins && !what.name.empty())
        timetable_.started(what.name, system_clock::now());
    log_.add("audit", what.id, made(json::dump(what)));
    if (what.done == 0)
        status_changed();
    else if (tell_.changed)
        tell_.changed();
}

void live_service::ended(const ended_audit& done)
{
    const auto now = system_clock::now();
    timetable_.ended(done.name, now);
    if (done.what) {
        const finwait::audit& what = *done.what;
        if (!done.is_stored)
            note(fmt::format("audit {} could not be stored", done.id));
        last_ = last_audit{.id = what.id, .outcome = what.outcome, .at = now};
        if (done.name != ad_hoc)
            last_of_[done.name] = *last_;
        figures_.count(what, done.name, now);
        log_.add("audit", done.id, made(json::dump_brief(what)));
        if (tell_.audit_done)
            tell_.audit_done(what, done.name);
    } else if (const auto* const record = lane_->audit(done.id)) {
        log_.add("audit", done.id, made(json::dump(*record)));
    }
    status_changed();
    // An audit takes megabytes for a moment; glibc would keep them until the next one. Not from
    // here, where it is still in use.
    net::post(io_, [this] {
        (void)::malloc_trim(0);
        self_ = facts_of_self();
    });
    if (is_started_)
        tick();
}

void live_service::status_changed()
{
    self_ = facts_of_self();
    log_.status_changed();
    if (tell_.changed)
        tell_.changed();
}

std::unique_ptr<service>
service::make(net::io_context& io, const configuration& how, history& stored, service_events events)
{
    return std::make_unique<live_service>(io, how, stored, std::move(events));
}

} // namespace finwait::daemon
