// What the service says of itself and of what it remembers.
#include "daemon/live_service.hpp"
#include "daemon/probe_view.hpp"
#include "daemon/status_line.hpp"
#include "web/json/json.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace finwait::daemon {

namespace {

using std::chrono::system_clock;

// Later than this the schedule is not kept.
constexpr std::chrono::seconds late_from{5};

} // namespace

std::optional<system_clock::time_point> live_service::next_audit() const
{
    return timetable_.next(system_clock::now());
}

service_status live_service::status() const
{
    service_status now{
        .version = FINWAIT_VERSION,
        .started = started_,
        .last_audit = last_,
        .next_audit = next_audit(),
        .findings = history_.finding_counts(),
        .waiting = lane_->waiting(),
        .index = log_.status_index(),
        .checks = all_checks(),
        .self = self_};
    now.open_findings = now.findings.new_ones + now.findings.still_there;
    const auto at = system_clock::now();
    for (const audit_settings& each : how_.audits) {
        auto& made = now.audits.emplace_back();
        made.name = each.name;
        if (const auto last = last_of_.find(each.name); last != last_of_.end())
            made.last = last->second;
        made.running = lane_->underway(each.name);
        made.next = timetable_.next(each.name, at);
        if (const auto missed = missed_.find(each.name); missed != missed_.end())
            made.missed = missed->second;
    }
    now.self.workers = lane_->workers();
    now.status = judged();
    for (const auto& [name, check] : now.checks)
        now.status = std::max(now.status, check.status);
    return now;
}

// Before an audit of the configuration has ended nothing is known, which is not the same as good.
// One that somebody asked for by its cells says nothing of the others: it is the last audit only.
health live_service::judged() const
{
    if (history_.open_findings() > 0)
        return health::fail;
    health worst = last_of_.empty() ? health::warn : health::pass;
    for (const auto& [name, last] : last_of_)
        worst = std::max(worst, health_of(last.outcome));
    return worst;
}

health_check live_service::schedule_check() const
{
    if (!cannot_run_.empty())
        return {
            .status = health::warn,
            .detail = fmt::format(
                "audit {} cannot be run: {}",
                cannot_run_.begin()->first,
                cannot_run_.begin()->second
            )};
    const auto next = next_audit();
    const auto late = next ? system_clock::now() - *next : system_clock::duration::zero();
    if (late < late_from)
        return {};
    return {
        .status = health::warn,
        .detail = fmt::format(
            "{} s late", std::chrono::duration_cast<std::chrono::seconds>(late).count()
        )};
}

health_checks live_service::all_checks() const
{
    health_checks all = checks_;
    all["history"] = history_.state().check;
    all["config"] = config_check_;
    all["schedule"] = schedule_check();
    return all;
}

health_checks live_service::readiness() const
{
    health_checks checks = all_checks();
    for (const char* name : {"lab", "sock_diag"})
        if (!checks.contains(name))
            checks[name] = {.status = health::warn, .detail = "not looked at yet"};
    checks["workers"] = {.detail = fmt::format("{} run", lane_->workers())};
    checks["audit"] = last_ ? health_check{.detail = fmt::format("last: {}", word(last_->outcome))}
                            : health_check{.status = health::warn, .detail = "none has ended yet"};
    return checks;
}

web::metrics_snapshot live_service::metrics() const
{
    const auto waiting = lane_->waiting();
    return figures_.snapshot(
        {.stored = history_.state(),
         .findings = history_.finding_counts(),
         .waiting_audits = waiting.audits,
         .waiting_probes = waiting.probes,
         .workers = lane_->workers(),
         .is_config_good = config_check_.status == health::pass,
         .started = started_},
        how_
    );
}

std::string live_service::state_line() const
{
    return status_line(
        {.running = lane_->running(),
         .last = last_,
         .open_findings = history_.open_findings(),
         .next = next_audit()}
    );
}

web::document live_service::audit(std::string_view id) const
{
    if (const auto* const record = lane_->audit(id))
        return made(json::dump(*record));
    return history_.audit(id);
}

web::document live_service::report_log(std::string_view id) const
{
    const auto text = history_.report(id);
    if (!text)
        return nullptr;
    const auto read = json::parse_report(*text);
    return read ? made(show(*read, table_style{})) : nullptr;
}

web::document live_service::probe(std::string_view id) const
{
    if (const auto* const record = lane_->probe(id))
        return made(json::dump(*record));
    // Of an earlier daemon, or long ago: its report has its id.
    const auto text = history_.report(id);
    if (!text)
        return nullptr;
    const auto read = json::parse_report(*text);
    if (!read)
        return nullptr;
    return made(json::dump(web::probe_record{
        .id = read->id, .plan = read->plan, .state = web::run_state::done}));
}

health health_of(outcome which)
{
    switch (which) {
    case outcome::clean:
        return health::pass;
    case outcome::unverified:
        return health::warn;
    case outcome::findings:
    case outcome::void_:
        break;
    }
    return health::fail;
}

health_checks checks_of(const environment& where)
{
    const bool sees = std::find(where.observers.begin(), where.observers.end(), "sock_diag") !=
                      where.observers.end();
    health_check sock_diag;
    if (!sees)
        sock_diag = {
            .status = health::fail,
            .detail = where.kernel.empty() ? "no worker could be started"
                                           : "the kernel does not answer socket diagnostics"};
    health_check lab;
    if (where.kernel.empty()) {
        lab = {.status = health::fail, .detail = "no worker could be started"};
    } else if (where.lab == lab_kind::host) {
        lab = {.status = health::warn, .detail = "on the host's loopback"};
        for (const not_run& each : where.not_run)
            lab.detail += fmt::format("; not run: {} ({})", each.what, each.reason);
    }
    return {{"lab", lab}, {"sock_diag", sock_diag}};
}

} // namespace finwait::daemon
