#include "daemon/announcer.hpp"

#include "daemon/audit_view.hpp"
#include "daemon/output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <unistd.h>

namespace finwait::daemon {

namespace {

// Made once, at random, as systemd.journal-fields(7) asks: `journalctl MESSAGE_ID=…`.
constexpr std::string_view audit_done_id = "8d0c1f6a3b5e4d0f9a7c52e61b84f3d9";
constexpr std::string_view finding_id = "c4a9e27d60f14b1e8b3d7a95f2068ce1";

log_level level_of(outcome which)
{
    switch (which) {
    case outcome::clean:
        return log_level::info;
    case outcome::unverified:
        return log_level::notice;
    case outcome::findings:
    case outcome::void_:
        break;
    }
    return log_level::warning;
}

} // namespace

void announcer::audit_done(const audit& done, const std::string& name, const std::string& url)
{
    if (std::exchange(is_matrix_wanted_, false)) {
        print_matrix(done, url);
        return;
    }
    log_audit(done, name);
    for (const report& each : done.reports)
        if (std::find(done.findings.begin(), done.findings.end(), each.id) != done.findings.end())
            log_finding(done, name, each);
}

void announcer::log_audit(const audit& done, const std::string& name)
{
    log_.log(
        level_of(done.outcome),
        fmt::format("audit {} {}: {}", name, done.id, summary_line(done)),
        {{"AUDIT", done.id},
         {"AUDIT_NAME", name},
         {"OUTCOME", std::string(word(done.outcome))},
         {"FINDINGS", std::to_string(done.findings.size())}},
        audit_done_id
    );
}

void announcer::log_finding(const audit& done, const std::string& name, const report& which)
{
    // Without a journal the line of the audit has their number, and the API the rest.
    if (!log_.has_fields())
        return;
    log_.log(
        log_level::notice,
        fmt::format(
            "audit {} {}: {} by {} of {} to {}: {}, report {}",
            name,
            done.id,
            word(which.plan.at),
            word(which.plan.by),
            which.plan.subject,
            which.plan.target,
            word(which.verdict),
            which.id
        ),
        {{"AUDIT", done.id},
         {"AUDIT_NAME", name},
         {"REPORT", which.id},
         {"VERDICT", std::string(word(which.verdict))},
         {"KILL_POINT", std::string(word(which.plan.at))},
         {"KILL_METHOD", std::string(word(which.plan.by))},
         {"SUBJECT", which.plan.subject},
         {"TARGET", which.plan.target}},
        finding_id
    );
}

void announcer::print_matrix(const audit& done, const std::string& url)
{
    const color use = decide(how_.color, facts_of(STDOUT_FILENO));
    std::string text = show(done, {.width = width_of(STDOUT_FILENO), .use_color = use});
    if (!url.empty())
        text += fmt::format("\nJSON: {}/api/v1/status\n", url);
    if (offer(STDOUT_FILENO, text) < text.size()) // the API is what the daemon is for
        log_.log(log_level::warning, "standard output did not take the whole matrix");
}

} // namespace finwait::daemon
