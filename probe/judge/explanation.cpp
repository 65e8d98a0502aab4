#include "probe/judge/explanation.hpp"

#include "probe/judge/expectation.hpp"
#include "probe/judge/summing_up.hpp"

#include <algorithm>
#include <array>

namespace finwait::judge {

namespace {

/// The state that the client's end was in when it was killed, as far as the timeline tells.
std::optional<tcp_state> state_at_kill(const end& client, std::optional<std::int64_t> killed_ns)
{
    std::optional<tcp_state> found;
    for (const interval& each : client.states) {
        if (killed_ns && each.from_ns > *killed_ns)
            break;
        if (each.state == tcp_state::SYN_SENT || each.state == tcp_state::ESTABLISHED ||
            each.state == tcp_state::CLOSE_WAIT)
            found = each.state;
    }
    return found;
}

bool is_gone(const look& seen)
{
    return seen.state == tcp_state::CLOSE;
}

/// Does this course lead to what was seen? The end is the same, and so is whether the socket was
/// gone already at the first look; a server that is not ours may end it at any time.
bool leads_to(const course& how, const report& seen, const end& client, tcp_state end_state)
{
    if (!how.second || how.second->client.state != end_state)
        return false;
    if (seen.plan.target != "origin" || !client.after_kill)
        return true;
    return is_gone(*client.after_kill) == (how.first->client.state == tcp_state::CLOSE);
}

/// The rules of the first course that leads to what was seen; empty: none does.
std::vector<why> rules_for(const report& seen, const end& client, tcp_state end_state)
{
    observed_setup known;
    known.unread = client.unread_at_kill_bytes > 0;
    known.client_state = state_at_kill(client, seen.kill.at_ns);
    for (const course& how : courses_of(seen.plan, known))
        if (leads_to(how, seen, client, end_state))
            return how.second->applied;
    return {};
}

/// Says of a server that cannot be seen only what is known of it.
why as_known(why what, const plan& done)
{
    const bool origins = what == why::peer_reset || what == why::origin_reset_unread ||
                         what == why::origin_wrote_after_fin;
    return origins && done.target != "origin" ? why::server_reset : what;
}

std::string detail_of(why what, const end& client)
{
    switch (what) {
    case why::reset_unread_data:
    case why::unread_after_peer_fin:
    case why::unread_with_linger:
    case why::unread_after_shutdown:
        return std::to_string(client.unread_at_kill_bytes) + " bytes unread at the kill";
    case why::undelivered_fin:
        return std::to_string(client.unsent_at_kill_bytes) + " bytes unsent at the kill";
    default:
        return {};
    }
}

/// The last rule decided; what came before it and the circumstances stand behind.
std::vector<reason> explain_released(const report& seen, const end& client, tcp_state end_state)
{
    std::vector<why> rules = rules_for(seen, client, end_state);
    std::ranges::reverse(rules);
    std::stable_partition(rules.begin(), rules.end(), [](why each) {
        return !is_circumstance(each);
    });
    std::vector<reason> told;
    for (const why each : rules) {
        const why known = as_known(each, seen.plan);
        told.push_back(describe(known, detail_of(known, client)));
    }
    if (told.empty())
        told.push_back(describe(why::unexpected_end));
    return told;
}

/// Is somebody else among the holders than the client itself? A client inside the worker is told
/// from others only by `inherit`, which hands its descriptor over and closes it.
bool held_elsewhere(const report& seen, const end& client)
{
    if (seen.plan.by == kill_method::inherit)
        return !client.holders.empty();
    return seen.process && std::ranges::any_of(client.holders, [&](const holder& each) {
               return each.pid != seen.process->pid;
           });
}

std::vector<reason> explain_leaked(const report& seen, const end& client, const ruling& ruled)
{
    std::vector<reason> told;
    const std::string holders = holders_of(client);
    const bool hidden = held_elsewhere(seen, client);
    if (hidden)
        told.push_back(describe(why::leak_hidden_holder, holders));
    told.push_back(describe(ruled.cause, hidden ? std::string_view{} : holders));
    if (ruled.ended_by_origin)
        told.push_back(describe(why::ended_by_origin));
    return told;
}

/// What about the kill is worth knowing beside why the kernel still keeps the socket.
void add_circumstance(std::vector<reason>& told, kill_method by)
{
    if (family_of(by) == kill_family::process)
        told.push_back(describe(why::process_ended));
    else if (by == kill_method::peer_silent)
        told.push_back(describe(why::client_deadline));
    else if (by == kill_method::shutdown_close)
        told.push_back(describe(why::shutdown_first));
}

std::vector<reason> explain_draining(const report& seen, const connection& one, const ruling& ruled)
{
    const end& client = *one.client;
    why cause = ruled.cause;
    if (cause == why::fin_unacknowledged && client.unsent_at_kill_bytes > 0 && seen.plan.blocked)
        cause = why::undelivered_fin;
    std::vector<reason> told{describe(cause, detail_of(cause, client))};
    const auto& origin = one.origin;
    if (origin && ruled.last->state == tcp_state::FIN_WAIT2) {
        const auto& last = origin->after_origin ? origin->after_origin : origin->after_kill;
        if (last && last->state == tcp_state::CLOSE_WAIT)
            told.push_back(describe(why::origin_turn));
    }
    add_circumstance(told, seen.plan.by);
    return told;
}

/// A counter that must have moved when the reason is right.
struct trace
{
    std::string_view code;
    std::string_view counter;
};

// Both ends of a loopback connection count in one namespace (snmp_counter.rst).
constexpr std::array traces{
    trace{"fin_exchange", "TCPTimeWaited"},
    trace{"reset_unread_data", "TCPAbortOnClose"},
    trace{"reset_linger", "TCPAbortOnData"},
    trace{"origin_reset_unread", "TCPAbortOnClose"},
    trace{"origin_wrote_after_fin", "OutRsts"},
    trace{"peer_reset", "EstabResets"},
};

void check_counters(
    const report& seen, const std::vector<reason>& told, std::vector<std::string>& warnings
)
{
    if (!seen.counters)
        return;
    for (const trace& each : traces) {
        const auto counted = seen.counters->find(each.counter);
        if (counted == seen.counters->end() || counted->second > 0 ||
            told.front().code != each.code)
            continue;
        std::string text("the counters do not bear out ");
        text.append(each.code).append(": ").append(each.counter).append(" did not move");
        warnings.push_back(std::move(text));
    }
}

} // namespace

std::vector<reason> explain(
    const report& seen,
    const connection& one,
    const ruling& ruled,
    std::vector<std::string>& warnings
)
{
    std::vector<reason> told;
    if (ruled.verdict == verdict::released) {
        told = explain_released(seen, *one.client, *ruled.end_state);
        check_counters(seen, told, warnings);
    } else if (ruled.verdict == verdict::leaked) {
        told = explain_leaked(seen, *one.client, ruled);
    } else if (ruled.verdict == verdict::draining) {
        told = explain_draining(seen, one, ruled);
    } else if (ruled.last && ruled.verdict == verdict::unverified) {
        told.push_back(describe(ruled.cause, word(ruled.last->state)));
    } else {
        told.push_back(describe(ruled.cause));
    }
    return told;
}

} // namespace finwait::judge
