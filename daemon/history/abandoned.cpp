#include "daemon/history/abandoned.hpp"

#include "daemon/history/records.hpp"
#include "web/json/json.hpp"

#include <sys/utsname.h>

namespace finwait::daemon {

namespace {

/// Of one audit, named in its document.
constexpr std::int64_t most_findings = 10'000;

void count(audit& into, const query& row)
{
    const auto which = from_word<verdict>(row.text(1)).value_or(verdict::unverified);
    const auto count = static_cast<std::uint64_t>(row.integer(2));
    if (row.integer(0) == 0) {
        into.summary[which] += count;
        return;
    }
    into.controls_planned += count;
    if (which == verdict::leaked)
        into.controls_caught += count;
}

/// As conclude() of daemon/tally.hpp has it for an audit that was interrupted.
outcome outcome_of(const audit& what, bool has_escaped)
{
    return has_escaped             ? outcome::void_
           : what.findings.empty() ? outcome::unverified
                                   : outcome::findings;
}

environment environment_of(std::string_view text)
{
    if (auto read = json::parse_environment(text); read)
        return *read;
    environment unknown; // the workers had said nothing yet
    struct ::utsname names
    {
    };
    if (::uname(&names) == 0)
        unknown.kernel = names.release;
    return unknown;
}

} // namespace

audit as_interrupted(database& from, std::string_view id)
{
    audit done;
    done.id = id;
    done.interrupted = true;
    for (const auto each : all_of<verdict>())
        done.summary[each] = 0;
    {
        query row = from.ask(
            "SELECT name, started, environment, (SELECT max(started) FROM reports WHERE audit = "
            "audits.id) FROM audits WHERE id = ?",
            id
        );
        if (row.next()) {
            done.name = row.text(0);
            done.started = time_of(row.integer(1));
            done.environment = environment_of(row.text(2));
            done.took_ns = std::max<std::int64_t>(0, row.integer(3) - row.integer(1));
            if (row.is_null(3))
                done.took_ns = 0;
        }
    }
    bool has_escaped = false;
    query tallies = from.ask(
        "SELECT control, verdict, count FROM tallies JOIN kinds USING (kind) WHERE audit = ?", id
    );
    while (tallies.next()) {
        count(done, tallies);
        has_escaped = has_escaped || (tallies.integer(0) != 0 && tallies.text(1) != "leaked" &&
                                      tallies.text(1) != "unverified");
    }
    query findings = from.ask(
        "SELECT id FROM reports JOIN kinds USING (kind) WHERE audit = ? AND finding = 1 "
        "ORDER BY id LIMIT ?",
        id,
        most_findings
    );
    while (findings.next())
        done.findings.emplace_back(findings.text(0));
    done.outcome = outcome_of(done, has_escaped);
    return done;
}

} // namespace finwait::daemon
