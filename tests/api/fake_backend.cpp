#include "tests/api/fake_backend.hpp"

#include "probe/ulid.hpp"
#include "tests/support/samples.hpp"
#include "web/json/history.hpp"
#include "web/json/json.hpp"
#include "web/json/records.hpp"

#include <stdexcept>

namespace finwait::web {

namespace {

document shared(std::string text)
{
    return std::make_shared<const std::string>(std::move(text));
}

metrics_snapshot some_numbers()
{
    return {
        {"finwait_build_info",
         "Which finwait this is.",
         metric_kind::gauge,
         {{{{"version", "0.1.0"}}, 1}}},
        {"finwait_probe_release_seconds",
         "From the kill to CLOSE or TIME_WAIT.",
         metric_kind::histogram,
         {{{{"kill_method", "close"}}, 0.75, {{0.001, 1}, {0.5, 2}}, 3}}},
        {"finwait_host_sockets",
         "Sockets of the host.",
         metric_kind::gauge,
         {{{{"state", "TIME_WAIT"}}, 0}, {{{"state", "a\"b\\c\nd"}}, 1.5}}},
    };
}

/// One cell of an audit, as it should be or leaked.
enum class came_out { as_expected, leaked };
json::cell_results some_cell(came_out how)
{
    const bool as_expected = how == came_out::as_expected;
    json::cell_results out;
    out.cell = {
        "response_body",
        "close",
        "requests",
        "origin",
        "ipv4",
        false,
        false,
        false,
        "none",
        "length",
        "leader",
        "close"};
    out.verdicts = {{as_expected ? verdict::released : verdict::leaked, 1}};
    out.ends = {as_expected ? "TIME_WAIT" : ""};
    out.as_expected = as_expected;
    out.finding = !as_expected;
    out.reports = {"01KG9BZ4W37V8ZJ1QYXR5S2T6N"};
    return out;
}

json::finding_life some_finding()
{
    json::finding_life life;
    life.id = "01KG9BZ4W37V8ZJ1QYXR5S2T6N";
    life.audit_name = "nightly";
    life.cell = some_cell(came_out::leaked).cell;
    life.verdict = "leaked";
    life.end = "";
    life.expected = R"({"verdicts":["released"],"end":null})";
    life.reasons = R"([{"code":"held_fd","text":"a descriptor remains","source":"proc"}])";
    life.first_seen = samples::noon();
    life.last_seen = samples::noon() + std::chrono::hours(24);
    life.seen_in = 2;
    life.first_audit = "01KG9BZ4W37V8ZJ1QYXR5S2T5A";
    life.last_audit = "01KG9BZ4W37V8ZJ1QYXR5S2T6P";
    life.last_report = "01KG9BZ4W37V8ZJ1QYXR5S2T6N";
    return life;
}

} // namespace

fake_backend::fake_backend() : numbers(some_numbers())
{
    finwait::audit clean = samples::whole_audit();
    clean.id = "01KG9BZ4W37V8ZJ1QYXR5S2T5A";
    clean.outcome = outcome::clean;
    clean.name = "nightly";
    clean.reports.resize(1);
    clean.reports.front().id = "01KG9BZ4W37V8ZJ1QYXR5S2T5B";
    kept = {samples::whole_audit(), clean};
    now.status = health::warn;
    now.version = "0.1.0";
    now.started = samples::noon();
    now.last_audit = last_audit{kept.front().id, kept.front().outcome, samples::noon()};
    now.next_audit = samples::noon() + std::chrono::hours(1);
    now.open_findings = 1;
    now.audits = {
        {.name = "default",
         .last = now.last_audit,
         .running = "01KG9BZ4W37V8ZJ1QYXR5S2T6Q",
         .next = now.next_audit,
         .missed = 3},
        {.name = "nightly", .last = {}, .running = {}, .next = {}}};
    now.checks = {
        {"sock_diag", {health::pass, ""}}, {"lab", {health::warn, "the host's loopback"}}};
    now.self = {12, 3, 9'000'000, 2};
    ready = {{"sock_diag", {health::pass, ""}}, {"lab", {health::warn, "the host's loopback"}}};
}

service_status fake_backend::status() const
{
    ++times_asked_for_status;
    return now;
}

page fake_backend::audits(const audit_query& wanted) const
{
    page out;
    for (const auto& each : kept) {
        if (wanted.older_than && each.id >= *wanted.older_than)
            continue;
        if (wanted.outcome && each.outcome != *wanted.outcome)
            continue;
        if (wanted.name && each.name != *wanted.name)
            continue;
        if (out.items.size() == wanted.limit) {
            out.next = kept[out.items.size() - 1].id;
            break;
        }
        out.items.push_back(shared(json::dump_brief(each)));
    }
    return out;
}

document fake_backend::audit(std::string_view id) const
{
    if (id == "00000000000000000000000000")
        throw std::runtime_error("the fake's own accident");
    if (const auto found = running.find(id); found != running.end())
        return shared(json::dump(found->second));
    for (const auto& each : kept)
        if (each.id == id)
            return shared(json::dump(each) + std::string(padding_bytes, ' '));
    return nullptr;
}

document fake_backend::latest_audit() const
{
    return kept.empty() ? nullptr : audit(kept.front().id);
}

document fake_backend::diff(std::string_view id, std::string_view against) const
{
    if (!audit(id) || !audit(against))
        return nullptr;
    const json::audit_words after{std::string(id), "nightly", samples::noon(), outcome::clean};
    const json::audit_words before{
        std::string(against), "nightly", samples::noon(), outcome::clean};
    auto good = some_cell(came_out::as_expected);
    auto bad = some_cell(came_out::leaked);
    auto alone = good;
    alone.cell.at = "idle";
    return shared(json::dump_diff(after, {bad}, before, {good, alone}));
}

document fake_backend::matrix(const matrix_query& wanted) const
{
    for (const auto& each : kept)
        if (!wanted.audit || each.id == *wanted.audit) {
            finwait::audit some = each;
            std::erase_if(some.reports, [&](const finwait::report& one) {
                return wanted.subject && client_of(one.plan.subject) != *wanted.subject;
            });
            return shared(json::dump_matrix(some));
        }
    return nullptr;
}

page fake_backend::reports(const report_query& wanted) const
{
    report_queries.push_back(wanted);
    page out;
    for (const auto& each : kept)
        for (const auto& one : each.reports) {
            if (wanted.audit && each.id != *wanted.audit)
                continue;
            if (out.items.size() == wanted.limit) {
                out.next = "01KG9BZ4W37V8ZJ1QYXR5S2T6M";
                return out;
            }
            out.items.push_back(shared(json::dump(one)));
        }
    return out;
}

document fake_backend::report(std::string_view id) const
{
    for (const auto& each : kept)
        for (const auto& one : each.reports)
            if (one.id == id)
                return shared(json::dump(one));
    return nullptr;
}

document fake_backend::report_log(std::string_view id) const
{
    return report(id) ? shared("report " + std::string(id) + "\n") : nullptr;
}

page fake_backend::findings(const finding_query& wanted) const
{
    auto life = some_finding();
    life.state = state;
    if (state == finding_state::gone)
        life.gone_since = samples::noon();
    page out;
    if (!wanted.state || *wanted.state == state)
        out.items.push_back(shared(json::dump(life)));
    return out;
}

document fake_backend::probe(std::string_view id) const
{
    const auto found = probes.find(id);
    return found == probes.end() ? nullptr : shared(json::dump(found->second));
}

document fake_backend::subjects() const
{
    subject_record beast;
    beast.name = "beast";
    beast.about = "the built-in client";
    beast.kind = "built-in";
    beast.version = "0.1.0";
    beast.is_present = true;
    beast.at = {kill_point::connect, kill_point::idle};
    beast.by = {kill_method::close};
    beast.framings = {framing::none};
    beast.tls = true;
    subject_record curl;
    curl.name = "curl";
    curl.about = "curl(1) \x1b]0;evil\a\xE2\x80\xAE";
    curl.kind = "oneshot";
    curl.why_absent = "it is not here";
    curl.install = "apt install curl";
    curl.modes = {"curl:keep"};
    return shared(json::dump(std::vector{beast, curl}));
}

document fake_backend::targets() const
{
    const std::vector<target_record> all{
        {"origin", "", {}},
        {"checkout",
         "https://checkout.internal:8443/",
         {"private"},
         tls_settings{.ca = "/etc/ssl/checkout-ca.pem", .min = tls_version::v1_3}},
        {"shop", "https://shop.example/", {}, tls_settings{}}};
    return shared(json::dump(all));
}

document fake_backend::config() const
{
    settings_record all;
    all.unix_path = "/run/finwait/api.sock";
    all.tcp = "127.0.0.1:9793";
    all.tcp_writes = "token";
    all.audits.push_back(
        {.name = "default",
         .at = {},
         .by = {},
         .subjects = {},
         .target = "origin",
         .every = std::chrono::hours(1),
         .calendar = {}}
    );
    all.targets.push_back({"origin", "", {}});
    all.targets.push_back({"shop", "https://shop.example/", {}, tls_settings{.ca = "/ca.pem"}});
    return shared(json::dump(all));
}

bool fake_backend::is_underway(std::string_view id) const
{
    const auto probe = probes.find(id);
    return running.contains(id) ||
           (probe != probes.end() && probe->second.state == run_state::running);
}

outcome_of<accepted> fake_backend::start_audit(const audit_order& wanted, const peer& by)
{
    askers.push_back(by);
    if (wanted.target && *wanted.target == "nowhere")
        return problem{
            problem_code::unknown_target, "no target nowhere", {{"/target", "is not configured"}}};
    if (wanted.name)
        for (const auto& [id, each] : running)
            if (each.name == *wanted.name)
                return accepted{id, true};
    if (running.size() >= room)
        return problem{problem_code::limit_exceeded, "too many audits are waiting"};
    orders.push_back(wanted);
    audit_record begun;
    begun.id = make_ulid(std::chrono::system_clock::now());
    begun.name = wanted.name.value_or("");
    begun.state = run_state::running;
    begun.started = samples::noon();
    begun.planned = 24;
    running.emplace(begun.id, begun);
    log.add("audit", begun.id, shared(json::dump(begun)));
    return accepted{begun.id, false};
}

outcome_of<done> fake_backend::cancel_audit(std::string_view id, const peer& by)
{
    askers.push_back(by);
    if (const auto found = running.find(id); found != running.end()) {
        running.erase(found);
        return done{};
    }
    if (audit(id))
        return problem{problem_code::already_finished, "it has ended already"};
    return problem{problem_code::not_found, "there is no audit with that id"};
}

outcome_of<accepted> fake_backend::start_probe(const plan& wanted, const peer& by)
{
    askers.push_back(by);
    probe_record begun;
    begun.id = make_ulid(std::chrono::system_clock::now());
    begun.plan = wanted;
    begun.state = run_state::running;
    probes.emplace(begun.id, begun);
    return accepted{begun.id, false};
}

outcome_of<done> fake_backend::cancel_probe(std::string_view id, const peer& by)
{
    askers.push_back(by);
    const auto found = probes.find(id);
    if (found == probes.end())
        return problem{problem_code::not_found, "there is no probe with that id"};
    if (found->second.state != run_state::running)
        return problem{problem_code::already_finished, "it has ended already"};
    found->second.state = run_state::cancelled;
    return done{};
}

outcome_of<document> fake_backend::reload_config(const peer& by)
{
    askers.push_back(by);
    if (!refused.detail.empty())
        return refused;
    return config();
}

void fake_backend::end(const std::string& id)
{
    if (const auto found = probes.find(id); found != probes.end())
        found->second.state = run_state::done;
    if (running.erase(id) > 0) {
        auto ended = kept.front();
        ended.id = id;
        kept.insert(kept.begin(), std::move(ended));
    }
    log.add("audit", id, shared(R"({"schema":"finwait.audit/1"})"));
}

} // namespace finwait::web
