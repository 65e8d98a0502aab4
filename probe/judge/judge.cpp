#include "probe/judge/judge.hpp"

#include "probe/judge/confirmation.hpp"
#include "probe/judge/explanation.hpp"
#include "probe/judge/external.hpp"
#include "probe/judge/summing_up.hpp"
#include "probe/judge/verdict.hpp"
#include "probe/model/possible.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace finwait::judge {

namespace {

/// The setting as it is, or what it was when the text is missing, no number, or out of range.
void take(
    int& setting,
    const std::map<std::string, std::string, std::less<>>& sysctls,
    std::string_view name,
    std::pair<int, int> range
)
{
    const auto found = sysctls.find(name);
    if (found == sysctls.end())
        return;
    const std::string& text = found->second;
    const auto stop = text.find_last_not_of(" \t\n");
    const char* const last = text.data() + (stop == std::string::npos ? 0 : stop + 1);
    int value = 0;
    const auto [rest, error] = std::from_chars(text.data(), last, value);
    if (error == std::errc{} && rest == last && value >= range.first && value <= range.second)
        setting = value;
}

/// Was the client's end on its way out before the kill? Only what was seen for certain counts: the
/// time of a state is never too early (probe/model/timeline.hpp).
std::optional<tcp_state>
closing_before_kill(const end& client, std::optional<std::int64_t> killed_ns)
{
    if (!killed_ns)
        return std::nullopt;
    for (const interval& each : client.states) {
        const bool open = each.state == tcp_state::SYN_SENT ||
                          each.state == tcp_state::ESTABLISHED ||
                          each.state == tcp_state::CLOSE_WAIT;
        if (!open && each.from_ns < *killed_ns)
            return each.state;
    }
    return std::nullopt;
}

/// Could a full TIME_WAIT table have made this end? It makes a CLOSE of what would have been a
/// FIN_WAIT2 minisock or a TIME_WAIT.
bool overflow_may_explain(const report& seen, const ruling& ruled, const expectation& expected)
{
    if (!seen.counters || ruled.end_state != tcp_state::CLOSE)
        return false;
    const auto counted = seen.counters->find(std::string_view("TCPTimeWaitOverflow"));
    if (counted == seen.counters->end() || counted->second <= 0)
        return false;
    const bool released =
        std::ranges::find(expected.verdicts, verdict::released) != expected.verdicts.end();
    return !released || expected.end_state == tcp_state::TIME_WAIT;
}

void unverify(ruling& ruled, why cause)
{
    ruled.verdict = verdict::unverified;
    ruled.cause = cause;
    ruled.end_state.reset();
}

/// One connection, judged.
struct judged
{
    ruling ruled;
    std::vector<reason> reasons;
};

judged judge_connection(
    const report& seen,
    const connection& one,
    const expectation& expected,
    std::vector<std::string>& warnings
)
{
    judged made;
    made.ruled = rule_on(one.client ? &*one.client : nullptr, seen.plan.by);
    if (one.client && one.client->cookie != 0) {
        if (const auto early = closing_before_kill(*one.client, seen.kill.at_ns)) {
            unverify(made.ruled, why::closed_before_kill);
            made.reasons.push_back(describe(why::closed_before_kill, word(*early)));
            return made;
        }
    }
    if (overflow_may_explain(seen, made.ruled, expected))
        unverify(made.ruled, why::time_wait_overflow);
    made.reasons = explain(seen, one, made.ruled, warnings);
    return made;
}

/// The worst connection gives the verdict and the first reasons.
void judge_connections(judgement& made, const report& seen, const kernel_settings& settings)
{
    made.verdict = verdict::released;
    std::vector<judged> all;
    for (const connection& one : seen.connections) {
        all.push_back(judge_connection(seen, one, made.expected, made.warnings));
        made.connections.push_back(in_short(all.back().ruled, settings));
        made.verdict = worse(made.verdict, all.back().ruled.verdict);
    }
    made.end_state = common_end(made.connections);
    std::ranges::stable_sort(all, std::ranges::greater{}, [](const judged& each) {
        return each.ruled.verdict;
    });
    for (judged& each : all)
        add_all(made.reasons, std::move(each.reasons));
}

reason by_obstacle(const obstacle& what)
{
    return {what.code, what.text, "finwait: obstacle"};
}

confirmation confirm_kill(judgement& made, const report& seen)
{
    made.kill = seen.kill;
    confirmation confirmed = confirm(seen);
    made.kill.confirmed_by = confirmed.by;
    made.kill.happened = !confirmed.by.empty();
    return confirmed;
}

std::string in_words(const std::vector<verdict>& verdicts, std::optional<tcp_state> end_state)
{
    std::string text;
    for (const verdict each : verdicts)
        text.append(text.empty() ? "" : " or ").append(word(each));
    if (end_state)
        text.append(" with end ").append(word(*end_state));
    return text;
}

bool meets(const judgement& made, const expectation& expected)
{
    if (std::ranges::find(expected.verdicts, made.verdict) == expected.verdicts.end())
        return false;
    return !expected.end_state || expected.end_state == made.end_state;
}

void compare(judgement& made, bool control)
{
    made.as_expected = meets(made, made.expected);
    if (made.verdict == verdict::unverified)
        return;
    if (control) {
        const bool caught = made.verdict == verdict::leaked;
        if (caught)
            made.reasons.push_back(describe(why::control_caught));
        else
            made.reasons.insert(made.reasons.begin(), describe(why::control_escaped));
        return;
    }
    if (made.as_expected)
        return;
    std::string detail = "expected " + in_words(made.expected.verdicts, made.expected.end_state);
    detail.append(", observed ").append(in_words({made.verdict}, made.end_state));
    const bool leak_leads = made.verdict == verdict::leaked;
    made.reasons.insert(
        leak_leads ? made.reasons.end() : made.reasons.begin(),
        describe(why::differs_from_expectation, detail)
    );
}

} // namespace

kernel_settings settings_from(const std::map<std::string, std::string, std::less<>>& sysctls)
{
    kernel_settings made;
    take(made.tcp_fin_timeout_s, sysctls, "tcp_fin_timeout", {0, 86'400 * 365});
    take(made.tcp_orphan_retries, sysctls, "tcp_orphan_retries", {0, 255});
    take(made.tcp_rto_max_ms, sysctls, "tcp_rto_max_ms", {1'000, 120'000});
    take(made.tcp_syn_retries, sysctls, "tcp_syn_retries", {0, 255});
    return made;
}

judgement judge(
    const report& seen, const kernel_settings& settings, const std::optional<obstacle>& in_the_way
)
{
    const std::optional<refusal> refused = why_impossible(seen.plan);
    if (!refused && is_external(seen.plan))
        return judge_external(seen, settings, in_the_way);
    if (!refused)
        return judge_possible(seen, expected_of(seen.plan), settings, in_the_way);
    judgement made;
    (void)confirm_kill(made, seen); // what it lacks matters less than that the plan is impossible
    if (in_the_way)
        return give_up(made, seen, by_obstacle(*in_the_way));
    return give_up(made, seen, describe(why::impossible_plan, refused->reason));
}

judgement judge_possible(
    const report& seen,
    expectation expected,
    const kernel_settings& settings,
    const std::optional<obstacle>& in_the_way
)
{
    judgement made;
    made.expected = std::move(expected);
    const confirmation confirmed = confirm_kill(made, seen);
    if (in_the_way)
        return give_up(made, seen, by_obstacle(*in_the_way));
    if (confirmed.by.empty())
        return give_up(made, seen, describe(confirmed.failure, confirmed.detail));
    if (seen.connections.empty() && seen.plan.at != kill_point::resolve)
        return give_up(made, seen, describe(why::no_connection));
    judge_connections(made, seen, settings);
    if (seen.connections.empty())
        made.reasons.push_back(describe(why::no_socket));
    compare(made, seen.control || is_control(seen.plan.by));
    return made;
}

void settle(report& seen, judgement made)
{
    seen.control = seen.control || is_control(seen.plan.by);
    seen.verdict = made.verdict;
    seen.end_state = made.end_state;
    seen.expected = std::move(made.expected);
    seen.as_expected = made.as_expected;
    seen.kill = std::move(made.kill);
    seen.reasons = std::move(made.reasons);
    std::ranges::move(made.warnings, std::back_inserter(seen.warnings));
    const std::size_t count = std::min(seen.connections.size(), made.connections.size());
    for (std::size_t i = 0; i < count; ++i) {
        seen.connections[i].verdict = made.connections[i].verdict;
        seen.connections[i].end_state = made.connections[i].end_state;
        seen.connections[i].gone_by_ns = made.connections[i].gone_by_ns;
    }
}

} // namespace finwait::judge
