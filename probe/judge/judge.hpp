// From what was seen to what it means. Pure: no clock, no kernel, no network.
#pragma once

#include "probe/model/report.hpp"

#include <map>
#include <string>

namespace finwait::judge {

/// The namespace's settings that deadlines depend on (ip-sysctl); kernel defaults.
struct kernel_settings
{
    int tcp_fin_timeout_s = 60;
    int tcp_orphan_retries = 0; ///< 0 means 8
    int tcp_rto_max_ms = 120'000;
    int tcp_syn_retries = 6;
};

/// Reads them from sysctl texts (kernel::tcp_sysctls()); a missing or strange one keeps its
/// default.
kernel_settings settings_from(const std::map<std::string, std::string, std::less<>>& sysctls);

/// What a correct client on a correct kernel gives for this plan, or, for a control, `leaked`.
/// Of the built-in client it is derived by walking the plan through the close rules
/// (judge/close_rules.hpp); of other programs' see expected_of_external().
expectation expected_of(const plan& done);

/// What the judgement adds to a report.
struct judgement
{
    finwait::verdict verdict = finwait::verdict::unverified;
    std::optional<tcp_state> end_state;
    expectation expected;
    bool as_expected = false;
    kill_record kill; ///< with `happened` and `confirmed_by` settled
    std::vector<reason> reasons;
    std::vector<std::string> warnings; ///< to be added to the report's
    struct of_connection
    {
        finwait::verdict verdict = finwait::verdict::unverified;
        std::optional<tcp_state> end_state;
        std::optional<std::int64_t> gone_by_ns;
    };
    std::vector<of_connection> connections; ///< in the report's order
};

/// What stood in the way of a probe, when something did.
struct obstacle
{
    std::string code; ///< `stall_not_reached`, `fault_not_delivered`, `no_cookie`, `not_permitted`…
    std::string text; ///< what, where, and what would cure it
};

/// Judges a report of which everything is filled in but the judgement itself. `kill.confirmed_by`
/// holds what the kill function proved (may be empty); the looks decide whether it suffices.
/// With an obstacle the verdict is `unverified` and the obstacle its reason.
judgement judge(
    const report& seen, const kernel_settings& settings, const std::optional<obstacle>& in_the_way
);

/// The same of a plan that is known to be possible, whose expectation is known as well.
judgement judge_possible(
    const report& seen,
    expectation expected,
    const kernel_settings& settings,
    const std::optional<obstacle>& in_the_way
);

/// Writes a judgement into the report it judges.
void settle(report& seen, judgement made);

} // namespace finwait::judge
