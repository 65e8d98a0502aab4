#include "probe/judge/close_rules.hpp"

namespace finwait::judge {

namespace {

void note(connection_model& model, why what)
{
    model.applied.push_back(what);
}

/// A wait that is over explains nothing any more.
void waiting_is_over(connection_model& model)
{
    std::erase_if(model.applied, [](why each) {
        return each == why::peer_not_closed || each == why::undelivered_fin;
    });
}

/// An ownerless FIN_WAIT2 or TIME_WAIT is a minisock (tcp_time_wait()).
void settle_minisock(side& end)
{
    const bool waits = end.state == tcp_state::FIN_WAIT2 && !end.owned;
    end.minisock = waits || end.state == tcp_state::TIME_WAIT;
}

void become(side& end, tcp_state state)
{
    end.state = state;
    settle_minisock(end);
}

/// CLOSE; a descriptor that refers to it stays (rule 20).
void drop(side& end)
{
    end.unread = false;
    end.unsent = false;
    become(end, tcp_state::CLOSE);
}

void rst_arrives(connection_model& model, which_end at)
{
    if (at == which_end::client)
        waiting_is_over(model);
    drop(end_of(model, at));
}

/// RST out, both ends gone.
void abort_side(connection_model& model, which_end who)
{
    waiting_is_over(model);
    drop(end_of(model, who));
    drop(end_of(model, other(who)));
}

/// The FIN of `other(at)` reaches `at` and is acknowledged.
void fin_arrives(connection_model& model, which_end at)
{
    side& there = end_of(model, at);
    side& sender = end_of(model, other(at));
    switch (there.state) {
    case tcp_state::ESTABLISHED:
        become(there, tcp_state::CLOSE_WAIT);
        become(sender, tcp_state::FIN_WAIT2);
        if (at == which_end::origin)
            note(model, why::peer_not_closed);
        return;
    case tcp_state::FIN_WAIT2:
        become(there, tcp_state::TIME_WAIT);
        become(sender, tcp_state::CLOSE);
        waiting_is_over(model);
        note(model, at == which_end::client ? why::fin_exchange : why::closed_passive);
        return;
    case tcp_state::FIN_WAIT1: // its own FIN is still kept back
        become(there, tcp_state::CLOSING);
        become(sender, tcp_state::FIN_WAIT2);
        return;
    default:
        rst_arrives(model, other(at));
        return;
    }
}

void send_fin(connection_model& model, which_end who)
{
    side& me = end_of(model, who);
    const bool passive = me.state == tcp_state::CLOSE_WAIT;
    become(me, passive ? tcp_state::LAST_ACK : tcp_state::FIN_WAIT1);
    if (!me.unsent)
        fin_arrives(model, other(who));
    else if (who == which_end::client)
        note(model, why::undelivered_fin);
}

/// Before the connection is established and after it is over, closing only lets go. True when that
/// was so.
bool only_lets_go(connection_model& model, which_end who)
{
    side& me = end_of(model, who);
    if (me.state == tcp_state::SYN_SENT) {
        drop(me);
        note(model, why::closed_syn_sent);
    } else if (me.state != tcp_state::CLOSE && me.state != tcp_state::TIME_WAIT) {
        return false;
    }
    me.owned = false;
    return true;
}

why cause_of_unread_reset(const side& me, which_end who)
{
    if (who == which_end::origin)
        return why::origin_reset_unread;
    if (me.shut)
        return why::unread_after_shutdown;
    return me.state == tcp_state::CLOSE_WAIT ? why::unread_after_peer_fin : why::reset_unread_data;
}

} // namespace

side& end_of(connection_model& model, which_end who)
{
    return who == which_end::client ? model.client : model.origin;
}

void close_side(connection_model& model, which_end who)
{
    side& me = end_of(model, who);
    if (!me.owned || only_lets_go(model, who))
        return;
    me.owned = false;
    if (me.unread) {
        // The origin's RST explains nothing of a client's end that is gone already.
        if (who == which_end::client || model.client.state != tcp_state::CLOSE)
            note(model, cause_of_unread_reset(me, who));
        abort_side(model, who);
    } else if (me.state == tcp_state::ESTABLISHED || me.state == tcp_state::CLOSE_WAIT) {
        send_fin(model, who);
    } else {
        settle_minisock(me); // shut down before: the FIN is out
    }
}

void shutdown_side(connection_model& model, which_end who)
{
    side& me = end_of(model, who);
    if (me.state == tcp_state::SYN_SENT) {
        drop(me);
        note(model, why::closed_syn_sent);
    } else if (me.state == tcp_state::ESTABLISHED || me.state == tcp_state::CLOSE_WAIT) {
        me.shut = true;
        note(model, why::shutdown_first);
        send_fin(model, who);
    }
}

void reset_side(connection_model& model, which_end who)
{
    side& me = end_of(model, who);
    if (!me.owned || only_lets_go(model, who))
        return;
    me.owned = false;
    if (who == which_end::origin) {
        if (model.client.state != tcp_state::CLOSE)
            note(model, me.unread ? why::origin_reset_unread : why::peer_reset);
    } else if (me.unread) {
        note(model, why::unread_with_linger);
    } else {
        const bool passive = me.state == tcp_state::CLOSE_WAIT;
        note(model, passive ? why::reset_close_wait : why::reset_linger);
    }
    abort_side(model, who);
}

void destroy_side(connection_model& model, which_end who)
{
    side& me = end_of(model, who);
    if (me.state == tcp_state::CLOSE)
        return;
    const bool silent = me.state == tcp_state::SYN_SENT || me.minisock;
    if (who == which_end::client)
        note(
            model,
            me.state == tcp_state::SYN_SENT ? why::sock_destroyed_syn_sent : why::sock_destroyed
        );
    if (silent)
        drop(me);
    else
        abort_side(model, who);
}

void process_died(connection_model& model, which_end who)
{
    close_side(model, who);
    note(model, why::process_ended);
}

void close_both(connection_model& model)
{
    model.client.owned = false;
    model.origin.owned = false;
    become(model.client, tcp_state::TIME_WAIT);
    become(model.origin, tcp_state::TIME_WAIT);
    note(model, why::simultaneous_close);
}

void write_side(connection_model& model, which_end who)
{
    const side& me = end_of(model, who);
    if (me.state != tcp_state::ESTABLISHED && me.state != tcp_state::CLOSE_WAIT)
        return;
    side& there = end_of(model, other(who));
    if (there.state == tcp_state::CLOSE) {
        rst_arrives(model, who);
    } else if (there.owned && there.state != tcp_state::TIME_WAIT) {
        there.unread = true;
    } else {
        if (who == which_end::origin)
            note(model, why::origin_wrote_after_fin);
        abort_side(model, other(who));
    }
}

void read_side(connection_model& model, which_end who)
{
    end_of(model, who).unread = false;
    side& sender = end_of(model, other(who));
    if (!sender.unsent)
        return;
    sender.unsent = false;
    std::erase(model.applied, why::undelivered_fin);
    if (sender.state == tcp_state::FIN_WAIT1) {
        fin_arrives(model, who);
    } else if (sender.state == tcp_state::CLOSING) {
        become(sender, tcp_state::TIME_WAIT);
        become(end_of(model, who), tcp_state::TIME_WAIT);
        note(model, why::simultaneous_close);
    }
}

} // namespace finwait::judge
