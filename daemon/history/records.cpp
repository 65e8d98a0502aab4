#include "daemon/history/records.hpp"

#include "daemon/tally.hpp"
#include "web/json/json.hpp"

#include <utility>

namespace finwait::daemon {

namespace {

json::cell_words cell_of(const plan& what)
{
    return {
        .at = std::string(word(what.at)),
        .by = std::string(word(what.by)),
        .subject = what.subject,
        .target = what.target,
        .family = std::string(word(what.family)),
        .tls = what.tls,
        .unread = what.unread,
        .blocked = what.blocked,
        .request_framing = std::string(word(what.request.how)),
        .response_framing = std::string(word(what.response.how)),
        .signal_to = std::string(word(what.signal_to)),
        .after = std::string(word(what.after))};
}

} // namespace

std::int64_t nanoseconds(std::chrono::system_clock::time_point when)
{
    return std::chrono::duration_cast<std::chrono::nanoseconds>(when.time_since_epoch()).count();
}

std::chrono::system_clock::time_point time_of(std::int64_t nanoseconds)
{
    return std::chrono::system_clock::time_point(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(
            std::chrono::nanoseconds(nanoseconds)
        )
    );
}

report_row row_of(const std::string& audit, const report& done, std::string_view line)
{
    return {
        .audit = audit,
        .id = done.id,
        .started_ns = nanoseconds(done.started),
        .kind =
            {.cell = cell_of(done.plan),
             .control = done.control,
             .verdict = std::string(word(done.verdict)),
             .end_state = std::string(done.end_state ? word(*done.end_state) : ""),
             .expected = json::dump(done.expected),
             .as_expected = done.as_expected,
             .finding = is_finding(done)},
        .longer = is_finding(done) || done.verdict == verdict::unverified || is_escaped(done),
        .doc = std::string(line)};
}

audit_end_row row_of(const audit& done)
{
    auto reports = done.controls_planned;
    for (const auto& [which, count] : done.summary)
        reports += count;
    std::vector<std::string> not_run;
    for (const auto& each : done.environment.not_run)
        not_run.push_back(each.what);
    return {
        .id = done.id,
        .name = done.name,
        .started_ns = nanoseconds(done.started),
        .ended_ns = nanoseconds(done.started) + done.took_ns,
        .outcome = done.outcome,
        .doc = json::dump_brief(done),
        .is_interrupted = done.interrupted,
        .reports = reports,
        .not_run = std::move(not_run)};
}

} // namespace finwait::daemon
