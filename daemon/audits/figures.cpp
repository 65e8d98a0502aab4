#include "daemon/audits/figures.hpp"

#include "daemon/audits/order.hpp"
#include "daemon/self.hpp"

#include <algorithm>
#include <utility>

#include <sys/resource.h>

namespace finwait::daemon {

namespace {

using std::chrono::nanoseconds;
using web::metric;
using web::metric_kind;
using labels = std::vector<std::pair<std::string, std::string>>;

double seconds(nanoseconds time)
{
    return std::chrono::duration<double>(time).count();
}

double unix_seconds(std::chrono::system_clock::time_point when)
{
    return std::chrono::duration<double>(when.time_since_epoch()).count();
}

metric one(std::string name, std::string help, metric_kind kind, double value, labels with = {})
{
    metric made{.name = std::move(name), .help = std::move(help), .kind = kind, .samples = {}};
    made.samples.push_back({.labels = std::move(with), .value = value});
    return made;
}

double cpu_seconds()
{
    rusage used{};
    (void)::getrusage(RUSAGE_SELF, &used); // cannot fail with these arguments
    const auto of = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return of(used.ru_utime) + of(used.ru_stime);
}

double most_descriptors()
{
    rlimit limit{};
    (void)::getrlimit(RLIMIT_NOFILE, &limit);
    return static_cast<double>(limit.rlim_cur);
}

// Or of a choice: those have one name together.
bool is_configured(const std::string& name, const configuration& how)
{
    return name == ad_hoc ||
           std::any_of(how.audits.begin(), how.audits.end(), [&](const audit_settings& each) {
               return each.name == name;
           });
}

void add_process(web::metrics_snapshot& out, const gauges& now)
{
    const auto self = facts_of_self();
    const auto gauge = metric_kind::gauge;
    out.push_back(
        one("process_cpu_seconds_total",
            "Processor time of the daemon itself, without its workers.",
            metric_kind::counter,
            cpu_seconds())
    );
    out.push_back(
        one("process_resident_memory_bytes",
            "Resident memory.",
            gauge,
            static_cast<double>(self.rss_bytes))
    );
    out.push_back(one("process_open_fds", "Open descriptors.", gauge, static_cast<double>(self.fds))
    );
    out.push_back(one("process_max_fds", "Most open descriptors.", gauge, most_descriptors()));
    out.push_back(
        one("process_start_time_seconds",
            "When the daemon started, Unix time.",
            gauge,
            unix_seconds(now.started))
    );
    out.push_back(
        one("finwait_own_sockets",
            "Sockets that the daemon itself has open.",
            gauge,
            static_cast<double>(self.sockets))
    );
}

void add_state(web::metrics_snapshot& out, const gauges& now)
{
    const auto gauge = metric_kind::gauge;
    const auto number = [](std::uint64_t value) {
        return static_cast<double>(value);
    };
    out.push_back(
        one("finwait_workers", "Worker processes that run now.", gauge, number(now.workers))
    );
    metric waiting{
        .name = "finwait_waiting",
        .help = "What waits for its turn, by kind.",
        .kind = gauge,
        .samples = {}};
    waiting.samples.push_back({.labels = {{"kind", "audit"}}, .value = number(now.waiting_audits)});
    waiting.samples.push_back({.labels = {{"kind", "probe"}}, .value = number(now.waiting_probes)});
    out.push_back(std::move(waiting));
    metric findings{
        .name = "finwait_findings",
        .help = "Findings of the latest audits by their life.",
        .kind = gauge,
        .samples = {}};
    const std::array<std::uint64_t, 3> counts{
        now.findings.new_ones, now.findings.still_there, now.findings.gone};
    const auto& states = words<web::finding_state>::table;
    for (std::size_t i = 0; i < states.size(); ++i)
        findings.samples.push_back(
            {.labels = {{"state", std::string(states[i])}}, .value = number(counts[i])}
        );
    out.push_back(std::move(findings));
    out.push_back(
        one("finwait_history_bytes", "Size of the history.", gauge, number(now.stored.bytes))
    );
    out.push_back(
        one("finwait_history_unstored_reports_total",
            "Reports that could not be stored.",
            metric_kind::counter,
            number(now.stored.unstored))
    );
    out.push_back(
        one("finwait_config_last_reload_successful",
            "Whether the configuration was good when it was last read.",
            gauge,
            now.is_config_good ? 1 : 0)
    );
}

} // namespace

std::optional<nanoseconds> release_time(const report& done)
{
    if (done.verdict != verdict::released || !done.kill.at_ns)
        return std::nullopt;
    std::optional<nanoseconds> slowest;
    for (const connection& each : done.connections) {
        if (!each.client)
            continue;
        const auto& states = each.client->states;
        const auto gone = std::find_if(states.begin(), states.end(), [&](const interval& state) {
            const bool is_end =
                state.state == tcp_state::TIME_WAIT || state.state == tcp_state::CLOSE;
            return is_end && !state.owned;
        });
        if (gone == states.end())
            return std::nullopt;
        const nanoseconds took(std::max<std::int64_t>(0, gone->from_ns - *done.kill.at_ns));
        slowest = std::max(slowest.value_or(took), took);
    }
    return slowest;
}

void figures::count(const report& done)
{
    ++probes_[{done.plan.at, done.plan.by, done.verdict}];
    const auto took = release_time(done);
    if (!took)
        return;
    spread& into = releases_[done.plan.by];
    ++into.count;
    into.sum += seconds(*took);
    for (std::size_t i = 0; i < bounds.size(); ++i)
        into.up_to[i] += seconds(*took) <= bounds[i] ? 1 : 0;
}

void figures::count(
    const audit& done, const std::string& name, std::chrono::system_clock::time_point at
)
{
    of_audit& into = audits_[name];
    ++into.ended[done.outcome];
    into.findings = done.findings.size();
    into.is_void = done.outcome == outcome::void_;
    into.took = nanoseconds(done.took_ns);
    if (done.outcome == outcome::clean)
        into.last_success = at;
}

metric figures::probes() const
{
    metric out{
        .name = "finwait_probes_total",
        .help = "Probes by where and how they were killed, and by verdict.",
        .kind = metric_kind::counter,
        .samples = {}};
    for (const auto& [key, count] : probes_) {
        const auto& [at, by, what] = key;
        out.samples.push_back(
            {.labels =
                 {{"kill_point", std::string(word(at))},
                  {"kill_method", std::string(word(by))},
                  {"verdict", std::string(word(what))}},
             .value = static_cast<double>(count)}
        );
    }
    return out;
}

metric figures::releases() const
{
    metric out{
        .name = "finwait_probe_release_seconds",
        .help = "From a kill to CLOSE or TIME_WAIT, of what was released.",
        .kind = metric_kind::histogram,
        .samples = {}};
    for (const auto& [by, of] : releases_) {
        web::sample made{.labels = {{"kill_method", std::string(word(by))}}, .value = of.sum};
        for (std::size_t i = 0; i < bounds.size(); ++i)
            made.buckets.emplace_back(bounds[i], of.up_to[i]);
        made.count = of.count;
        out.samples.push_back(std::move(made));
    }
    return out;
}

void figures::add_audits(web::metrics_snapshot& out, const configuration& how) const
{
    metric ended{
        .name = "finwait_audits_total",
        .help = "Audits that have ended, by outcome.",
        .kind = metric_kind::counter,
        .samples = {}};
    metric findings{
        .name = "finwait_audit_findings",
        .help = "Findings of the last run of an audit.",
        .samples = {}};
    metric voids{
        .name = "finwait_audit_void",
        .help = "Whether a control escaped in the last run of an audit.",
        .samples = {}};
    metric took{
        .name = "finwait_audit_duration_seconds",
        .help = "How long the last run of an audit took.",
        .samples = {}};
    metric success{
        .name = "finwait_audit_last_success_timestamp_seconds",
        .help = "When an audit last came out clean, Unix time; absent: not since the start.",
        .samples = {}};
    for (const auto& [name, each] : audits_) {
        if (!is_configured(name, how))
            continue;
        const labels of{{"audit", name}};
        for (const auto& [outcome, count] : each.ended)
            ended.samples.push_back(
                {.labels = {{"audit", name}, {"outcome", std::string(word(outcome))}},
                 .value = static_cast<double>(count)}
            );
        findings.samples.push_back({.labels = of, .value = static_cast<double>(each.findings)});
        voids.samples.push_back({.labels = of, .value = each.is_void ? 1.0 : 0.0});
        took.samples.push_back({.labels = of, .value = seconds(each.took)});
        if (each.last_success)
            success.samples.push_back({.labels = of, .value = unix_seconds(*each.last_success)});
    }
    for (metric* each : {&ended, &findings, &voids, &took, &success})
        out.push_back(std::move(*each));
}

web::metrics_snapshot figures::snapshot(const gauges& now, const configuration& how) const
{
    web::metrics_snapshot out;
    out.push_back(
        one("finwait_build_info", "Version.", metric_kind::gauge, 1, {{"version", FINWAIT_VERSION}})
    );
    out.push_back(probes());
    out.push_back(releases());
    add_audits(out, how);
    add_state(out, now);
    add_process(out, now);
    return out;
}

} // namespace finwait::daemon
