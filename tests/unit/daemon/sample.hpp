// Reports and audits made by hand.
#pragma once

#include "daemon/tally.hpp"
#include "probe/model/audit.hpp"
#include "probe/model/possible.hpp"

#include <string>
#include <utility>
#include <vector>

namespace finwait::daemon::sample {

/// A report of that cell that came out as expected.
inline report cell(kill_point at, kill_method by, verdict came_out = verdict::released)
{
    report r;
    r.id = "01K0000000000000000000000" + std::to_string(static_cast<int>(came_out));
    r.plan.at = at;
    r.plan.by = by;
    r.plan = completed(r.plan);
    r.control = is_control(by);
    r.verdict = came_out;
    r.expected.verdicts = {r.control ? verdict::leaked : came_out};
    r.as_expected = came_out != verdict::unverified;
    if (came_out == verdict::released)
        r.end_state = tcp_state::TIME_WAIT;
    return r;
}

inline report control(verdict came_out)
{
    auto r = cell(kill_point::idle, kill_method::abandon, came_out);
    r.as_expected = came_out == verdict::leaked;
    return r;
}

inline report finding(verdict came_out = verdict::leaked)
{
    auto r = cell(kill_point::request_body, kill_method::close, came_out);
    r.expected.verdicts = {verdict::released};
    r.as_expected = false;
    r.reasons.push_back({"owned_fin_wait2", "Nobody closes it.", "tcp(7)"});
    return r;
}

inline audit concluded(std::vector<report> reports)
{
    audit done;
    done.id = "01K00000000000000000000AAA";
    done.took_ns = 2'100'000'000;
    done.environment.kernel = "6.1.0";
    done.environment.lab = lab_kind::namespace_;
    done.reports = std::move(reports);
    conclude(done);
    return done;
}

} // namespace finwait::daemon::sample
