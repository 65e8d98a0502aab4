#include "probe/judge/external.hpp"

#include "probe/judge/summing_up.hpp"
#include "probe/judge/verdict.hpp"

#include <algorithm>
#include <utility>

namespace finwait::judge {
namespace {

bool lives(const report& seen)
{
    return seen.process && seen.process->lives;
}

bool is_stopped(const report& seen)
{
    return lives(seen) && seen.plan.by == kill_method::stop;
}

/// Whether the client is one that goes on after its kill, so that it may keep a connection.
bool goes_on(const report& seen)
{
    return lives(seen) && !is_stopped(seen);
}

bool has_used(const connection& one)
{
    return one.request_bytes > 0 || one.response_bytes > 0;
}

/// What an open connection of a client that goes on means.
reading read_open(const report& seen, const connection& one, const look& last)
{
    const bool at_rest = unread_in(last) == 0 && last.wqueue == 0;
    // Its own end should have come, by its timeout or by its word.
    const bool awaited =
        seen.plan.by == kill_method::own || seen.plan.by == kill_method::peer_silent;
    const bool in_its_call = awaited && !seen.process->is_done && !one.complete;
    if (in_its_call && (last.state == tcp_state::ESTABLISHED || last.state == tcp_state::SYN_SENT))
        return {verdict::leaked, why::not_cancelled};
    if (last.state == tcp_state::ESTABLISHED) {
        if (one.complete && at_rest)
            return {verdict::held, why::pooled_idle};
        if (unread_in(last) > 0)
            return {verdict::leaked, why::unread_response};
        if (!has_used(one) && seen.plan.at != kill_point::connected &&
            seen.plan.at != kill_point::tls_handshake)
            return {verdict::leaked, why::extra_connection};
    }
    if (last.state == tcp_state::CLOSE_WAIT && one.complete && at_rest)
        return {verdict::leaked, why::pooled_dead};
    return read_look(last, keeper::nobody);
}

/// Was it open for a while after the kill, and then went away?
bool was_transient(const report& seen, const end& client)
{
    if (!seen.kill.at_ns || client.states.empty() || !goes_on(seen))
        return false;
    return std::ranges::any_of(client.states, [&](const interval& each) {
        const bool open = each.owned && (each.state == tcp_state::ESTABLISHED ||
                                         each.state == tcp_state::SYN_SENT);
        constexpr std::int64_t a_while_ns = 100'000'000;
        return open && each.to_ns && *each.to_ns > *seen.kill.at_ns + a_while_ns;
    });
}

ruling rule(const report& seen, const connection& one)
{
    ruling made;
    if (!one.client) {
        made.cause = why::no_client_end;
        return made;
    }
    const end& client = *one.client;
    if (client.cookie == 0) {
        made.cause = why::no_cookie;
        return made;
    }
    if (!client.after_kill)
        return made;
    look first = *client.after_kill;
    first.owned = first.owned || !client.holders.empty();
    if (!goes_on(seen) || !first.owned || first.state == tcp_state::CLOSE)
        // The process family's rules: nobody is meant to have it but a stopped process.
        return rule_on(&client, is_stopped(seen) ? kill_method::stop : kill_method::sigkill);
    const reading read = read_open(seen, one, first);
    made.verdict = read.verdict;
    made.cause = read.cause;
    made.last = first;
    if (client.after_origin && made.verdict == verdict::leaked)
        made.ended_by_origin = client.after_origin->state == tcp_state::CLOSE ||
                               client.after_origin->state == tcp_state::TIME_WAIT;
    return made;
}

/// Why a released end is as it is, as far as one can tell of a program whose calls nobody saw.
reason explain_end(const report& seen, const connection& one, const ruling& ruled)
{
    const end& client = *one.client;
    if (ruled.end_state == tcp_state::TIME_WAIT)
        return describe(why::fin_exchange);
    if (client.unread_at_kill_bytes > 0)
        return describe(
            why::reset_unread_data,
            std::to_string(client.unread_at_kill_bytes) + " bytes unread at the kill"
        );
    // Nobody saw its queue at the close, but the kernel counted what the close did.
    if (seen.counters && client.after_kill && client.after_kill->state == tcp_state::CLOSE)
        if (const auto aborts = seen.counters->find(std::string_view("TCPAbortOnClose"));
            aborts != seen.counters->end() && aborts->second > 0 &&
            seen.plan.by == kill_method::own)
            return describe(why::reset_unread_data, "TCPAbortOnClose moved");
    const bool syn_sent = std::ranges::any_of(client.states, [](const interval& each) {
        return each.state == tcp_state::SYN_SENT;
    });
    if (syn_sent)
        return describe(why::closed_syn_sent);
    switch (seen.plan.by) {
    case kill_method::sock_destroy:
        return describe(why::sock_destroyed);
    case kill_method::peer_reset:
        return describe(why::peer_reset);
    case kill_method::peer_close:
        return describe(why::closed_passive);
    default:
        break;
    }
    if (seen.plan.at == kill_point::idle_peer_closed)
        return describe(why::closed_passive);
    const bool closed_before_origin = client.after_kill && !client.after_kill->owned &&
                                      client.after_kill->state != tcp_state::CLOSE;
    if (closed_before_origin && seen.plan.after == after_action::reset)
        return describe(why::peer_reset);
    if (closed_before_origin && one.origin && one.origin->after_kill &&
        unread_in(*one.origin->after_kill) > 0)
        return describe(why::origin_reset_unread);
    if (closed_before_origin && seen.plan.after == after_action::answer)
        return describe(why::origin_wrote_after_fin);
    return describe(why::unexpected_end);
}

std::vector<reason> explain_external(const report& seen, const connection& one, const ruling& ruled)
{
    std::vector<reason> told;
    const end* const client = one.client ? &*one.client : nullptr;
    if (ruled.verdict == verdict::released) {
        told.push_back(explain_end(seen, one, ruled));
        if (was_transient(seen, *client))
            told.push_back(describe(why::transient));
        return told;
    }
    if (ruled.verdict == verdict::leaked) {
        const bool others =
            seen.process && std::ranges::any_of(client->holders, [&](const holder& each) {
                return each.pid != seen.process->pid;
            });
        const std::string holders = holders_of(*client);
        if (others)
            told.push_back(describe(why::leak_hidden_holder, holders));
        told.push_back(describe(ruled.cause, others ? std::string() : holders));
        if (ruled.ended_by_origin)
            told.push_back(describe(why::ended_by_origin));
        if (!others && !client->holders.empty() && lives(seen))
            told.push_back(describe(why::ends_with_process));
        return told;
    }
    const std::string state = ruled.last ? std::string(word(ruled.last->state)) : std::string();
    told.push_back(
        ruled.verdict == verdict::unverified ? describe(ruled.cause, state) : describe(ruled.cause)
    );
    return told;
}

/// Of more held connections than the client keeps after its successes, the later ones are leaks.
void hold_to_baseline(const report& seen, std::vector<ruling>& all)
{
    if (!seen.process || !seen.process->baseline)
        return;
    unsigned left = *seen.process->baseline;
    for (ruling& each : all) {
        if (each.verdict != verdict::held || each.cause != why::pooled_idle)
            continue;
        if (left > 0) {
            --left;
            continue;
        }
        each.verdict = verdict::leaked;
        each.cause = why::pool_growth;
    }
}

/// Sockets that nobody saw as a connection, and that no listing shows any more.
void judge_zombies(judgement& made, const report& seen)
{
    if (!seen.process || seen.process->new_zombie_fds == 0 || is_stopped(seen))
        return;
    made.verdict = verdict::leaked;
    made.end_state.reset();
    made.reasons.insert(
        made.reasons.begin(),
        describe(
            why::leak_zombie_fd,
            std::to_string(seen.process->new_zombie_fds) + " that were not there before the kill"
        )
    );
}

void judge_all(judgement& made, const report& seen, const kernel_settings& settings)
{
    std::vector<ruling> all;
    for (const connection& one : seen.connections)
        all.push_back(rule(seen, one));
    hold_to_baseline(seen, all);
    made.verdict = verdict::released;
    for (const ruling& each : all) {
        made.connections.push_back(in_short(each, settings));
        made.verdict = worse(made.verdict, each.verdict);
    }
    made.end_state = common_end(made.connections);
    // The worst first.
    std::vector<std::size_t> order(all.size());
    for (std::size_t i = 0; i < order.size(); ++i)
        order[i] = i;
    std::ranges::stable_sort(order, std::ranges::greater{}, [&](std::size_t i) {
        return all[i].verdict;
    });
    for (const std::size_t i : order)
        add_all(made.reasons, explain_external(seen, seen.connections[i], all[i]));
    judge_zombies(made, seen);
}

std::string in_words(const expectation& expected)
{
    std::string text;
    for (const verdict each : expected.verdicts)
        text.append(text.empty() ? "" : " or ").append(word(each));
    return text;
}

void compare(judgement& made, const report& seen)
{
    made.as_expected =
        std::ranges::find(made.expected.verdicts, made.verdict) != made.expected.verdicts.end();
    if (seen.control) {
        if (made.verdict == verdict::leaked)
            made.reasons.push_back(describe(why::control_caught));
        else if (made.verdict != verdict::unverified)
            made.reasons.insert(made.reasons.begin(), describe(why::control_escaped));
        return;
    }
    const bool dead = seen.process && seen.process->works == false;
    if (dead && made.as_expected) {
        made.as_expected = false;
        made.reasons.insert(made.reasons.begin(), describe(why::client_dead));
    } else if (dead) {
        made.reasons.push_back(describe(why::client_dead));
    } else if (!made.as_expected && made.verdict != verdict::unverified) {
        made.reasons.push_back(describe(
            why::differs_from_expectation,
            "expected " + in_words(made.expected) + ", observed " + std::string(word(made.verdict))
        ));
    }
}

} // namespace

expectation expected_of_external(const plan& done)
{
    if (done.by == kill_method::stop && done.at == kill_point::idle_peer_closed)
        return {{verdict::held, verdict::released}, {}}; // it may have closed when the peer did
    if (done.by == kill_method::stop)
        return {{verdict::held}, {}};
    expectation made{{verdict::released}, {}};
    if (done.after == after_action::stall)
        made.verdicts.push_back(verdict::draining);
    // The process may live on, with the connection of its complete exchange in its pool.
    // The same of one that asked again after its connection was ended.
    const bool may_ask_again =
        family_of(done.by) == kill_family::outside && done.by != kill_method::peer_silent;
    if (done.at == kill_point::idle || may_ask_again)
        made.verdicts.push_back(verdict::held);
    return made;
}

judgement judge_external(
    const report& seen, const kernel_settings& settings, const std::optional<obstacle>& in_the_way
)
{
    judgement made;
    made.kill = seen.kill;
    made.expected = seen.control ? expectation{{verdict::leaked}, {}} : expected_of(seen.plan);
    made.kill.happened = !made.kill.confirmed_by.empty();
    if (in_the_way)
        return give_up(made, seen, {in_the_way->code, in_the_way->text, "finwait: obstacle"});
    // A client that never came to its own end is a finding, and not a kill that did not happen.
    const bool never_ended = seen.plan.by == kill_method::own && goes_on(seen);
    if (!made.kill.happened && !never_ended)
        return give_up(made, seen, describe(why::kill_not_confirmed));
    if (seen.connections.empty() && seen.plan.at != kill_point::resolve)
        return give_up(made, seen, describe(why::no_connection));
    judge_all(made, seen, settings);
    // Clean for the moment: it goes on, and what it will leave nobody has seen.
    if (!made.kill.happened && made.verdict != verdict::leaked)
        return give_up(made, seen, describe(why::kill_not_confirmed));
    if (seen.connections.empty())
        made.reasons.push_back(describe(why::no_socket));
    compare(made, seen);
    return made;
}

} // namespace finwait::judge
