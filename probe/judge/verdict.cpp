#include "probe/judge/verdict.hpp"

namespace finwait::judge {

namespace {

reading read_owned(const look& seen)
{
    using enum tcp_state;
    switch (seen.state) {
    case CLOSE:
    case TIME_WAIT: // the minisock took over and left the descriptor an empty socket
        return {verdict::leaked, why::leak_zombie_fd};
    case ESTABLISHED:
        return {verdict::leaked, why::leak_established};
    case CLOSE_WAIT:
        return {verdict::leaked, why::leak_close_wait};
    case SYN_SENT:
        return {verdict::leaked, why::leak_syn_sent};
    case FIN_WAIT2:
        if (seen.minisock)
            return {verdict::unverified, why::unexpected_state};
        return {verdict::leaked, why::fin_wait2_owned};
    case FIN_WAIT1:
    case CLOSING:
    case LAST_ACK:
        return {verdict::leaked, why::leak_half_closed};
    case SYN_RECV:
    case LISTEN: // somebody else's socket
        break;
    }
    return {verdict::unverified, why::unexpected_state};
}

reading read_ownerless(const look& seen)
{
    using enum tcp_state;
    switch (seen.state) {
    case CLOSE:
        return {verdict::released, why::unexpected_end};
    case TIME_WAIT:
        return {verdict::released, why::fin_exchange};
    case FIN_WAIT2:
        return {
            verdict::draining,
            seen.timer == tcp_timer::keepalive ? why::fin_wait2_orphan : why::peer_not_closed};
    case FIN_WAIT1:
        return {
            verdict::draining,
            seen.timer == tcp_timer::probe0 ? why::undelivered_fin : why::fin_unacknowledged};
    case CLOSING:
    case LAST_ACK:
        return {verdict::draining, why::fin_unacknowledged};
    case ESTABLISHED:
    case SYN_SENT:
    case SYN_RECV:
    case CLOSE_WAIT:
    case LISTEN:
        break;
    }
    return {verdict::unverified, why::unexpected_state};
}

/// May an ownerless end be seen in `then` after it was seen in `now`? RFC 9293 3.3.2, figure 5.
bool may_follow(tcp_state now, tcp_state then)
{
    using enum tcp_state;
    if (then == now || then == CLOSE)
        return true;
    switch (now) {
    case FIN_WAIT1:
        return then == FIN_WAIT2 || then == CLOSING || then == TIME_WAIT;
    case FIN_WAIT2:
    case CLOSING:
        return then == TIME_WAIT;
    default:
        return false;
    }
}

/// Can both looks be true? An end without an owner gets none, and a dead one does not come back.
bool agree(const look& first, const look& second)
{
    if (!first.owned)
        return !second.owned && may_follow(first.state, second.state);
    return first.state != tcp_state::CLOSE || second.state == tcp_state::CLOSE;
}

bool is_over(const look& seen)
{
    return seen.state == tcp_state::CLOSE || seen.state == tcp_state::TIME_WAIT;
}

/// Takes a look as what the verdict rests on.
void rest_on(ruling& made, const look& seen, const reading& read)
{
    made.verdict = read.verdict;
    made.cause = read.cause;
    made.last = seen;
    made.end_state.reset();
    if (read.verdict == verdict::released)
        made.end_state = seen.state;
}

void contradicted(ruling& made)
{
    made.verdict = verdict::unverified;
    made.cause = why::contradictory_looks;
    made.end_state.reset();
}

ruling rule_at_second(const end& client)
{
    ruling made;
    if (!client.after_origin)
        return made;
    const look& second = *client.after_origin;
    rest_on(made, second, read_look(second, keeper::nobody));
    if (client.after_kill && !agree(*client.after_kill, second))
        contradicted(made);
    return made;
}

ruling rule_at_first(const end& client, kill_method by)
{
    ruling made;
    if (!client.after_kill)
        return made;
    look first = *client.after_kill;
    first.owned = first.owned || !client.holders.empty();
    const keeper meant = by == kill_method::stop ? keeper::stopped_process : keeper::nobody;
    rest_on(made, first, read_look(first, meant));
    if (!client.after_origin)
        return made;
    const look& second = *client.after_origin;
    if (made.verdict == verdict::leaked) {
        made.ended_by_origin = !is_over(first) && is_over(second);
    } else if (made.verdict == verdict::released || made.verdict == verdict::draining) {
        if (agree(first, second))
            rest_on(made, second, read_look(second, keeper::nobody));
        else
            contradicted(made);
    }
    return made;
}

} // namespace

reading read_look(const look& seen, keeper meant)
{
    if (seen.state == tcp_state::LISTEN)
        return {}; // a listener answered for the connection (sock_diag without a cookie)
    if (seen.owned && meant == keeper::stopped_process)
        return {verdict::held, why::process_stopped};
    return seen.owned ? read_owned(seen) : read_ownerless(seen);
}

ruling rule_on(const end* client, kill_method by)
{
    ruling made;
    if (client == nullptr) {
        made.cause = why::no_client_end;
        return made;
    }
    if (client->cookie == 0) {
        made.cause = why::no_cookie;
        return made;
    }
    return judged_at(by) == judging_look::second ? rule_at_second(*client)
                                                 : rule_at_first(*client, by);
}

} // namespace finwait::judge
