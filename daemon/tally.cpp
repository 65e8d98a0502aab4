#include "daemon/tally.hpp"

#include <algorithm>

namespace finwait::daemon {

namespace {

outcome outcome_of(const audit& done)
{
    const auto any = [&](auto holds) {
        return std::any_of(done.reports.begin(), done.reports.end(), holds);
    };
    if (any(is_escaped))
        return outcome::void_;
    if (!done.findings.empty())
        return outcome::findings;
    const bool unjudged = any([](const report& r) { return r.verdict == verdict::unverified; });
    if (unjudged || done.interrupted || done.reports.empty())
        return outcome::unverified;
    return outcome::clean;
}

} // namespace

bool is_escaped(const report& r)
{
    return r.control && r.verdict != verdict::unverified && !is_caught(r);
}

void conclude(audit& done)
{
    done.summary.clear();
    for (const verdict each : all_of<verdict>())
        done.summary[each] = 0;
    done.controls_planned = done.controls_caught = 0;
    done.findings.clear();
    for (const report& r : done.reports) {
        if (r.control) {
            ++done.controls_planned;
            done.controls_caught += is_caught(r) ? 1 : 0;
        } else {
            ++done.summary[r.verdict];
        }
        if (is_finding(r))
            done.findings.push_back(r.id);
    }
    done.outcome = outcome_of(done);
}

exit_code exit_of(const audit& done)
{
    switch (done.outcome) {
    case outcome::clean:
        return exit_code::clean;
    case outcome::findings:
        return exit_code::finding;
    case outcome::unverified:
    case outcome::void_:
        break;
    }
    return exit_code::unjudged;
}

exit_code exit_of(const report& done)
{
    if (is_finding(done))
        return exit_code::finding;
    if (done.verdict == verdict::unverified || is_escaped(done))
        return exit_code::unjudged;
    return exit_code::clean;
}

} // namespace finwait::daemon
