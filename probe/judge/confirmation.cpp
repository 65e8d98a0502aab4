#include "probe/judge/confirmation.hpp"

#include <algorithm>

namespace finwait::judge {

namespace {

using enum tcp_state;

/// The end's first look.
const look* first_of(const std::optional<end>& one)
{
    return one && one->after_kill ? &*one->after_kill : nullptr;
}

bool is_closing(tcp_state state)
{
    return state == FIN_WAIT1 || state == FIN_WAIT2 || state == CLOSING || state == LAST_ACK ||
           state == TIME_WAIT;
}

bool is_open(tcp_state state)
{
    return state == ESTABLISHED || state == SYN_SENT || state == CLOSE_WAIT;
}

std::string seen_as(std::string_view whose, const look& seen)
{
    std::string text(whose);
    text.append(" end ");
    if (seen.state == CLOSE)
        text.append("is in no listing");
    else
        text.append("in ").append(word(seen.state));
    return text.append(seen.owned ? " with a descriptor" : "");
}

/// What the looks at one connection prove of a client that closed or died.
std::string proof_of_close(const connection& one)
{
    if (const look* client = first_of(one.client))
        if ((!client->owned && (client->state == CLOSE || is_closing(client->state))) ||
            is_closing(client->state))
            return seen_as("client's", *client);
    if (const look* origin = first_of(one.origin))
        if (origin->state == CLOSE_WAIT || origin->state == CLOSE)
            return seen_as("origin's", *origin);
    return {};
}

std::string proof_of_abandon(const connection& one)
{
    const look* client = first_of(one.client);
    return client && client->owned && is_open(client->state) ? seen_as("client's", *client) : "";
}

std::string proof_of_inherit(const connection& one)
{
    if (!one.client || one.client->holders.empty())
        return {};
    const holder& who = one.client->holders.front();
    return "descriptor " + std::to_string(who.fd) + " of process " + std::to_string(who.pid) +
           " (" + who.command + ")";
}

std::string proof_of_gone(const connection& one)
{
    const look* client = first_of(one.client);
    return client && client->state == CLOSE ? seen_as("client's", *client) : "";
}

std::string proof_of_peer_close(const connection& one)
{
    const look* client = first_of(one.client);
    if (client &&
        (client->state == CLOSE_WAIT || client->state == LAST_ACK || client->state == CLOSE))
        return seen_as("client's", *client);
    // A FIN behind a receive queue that is full has not reached the client yet.
    const look* origin = first_of(one.origin);
    return origin && is_closing(origin->state) ? seen_as("origin's", *origin) : "";
}

std::string proof_of_silence(const connection& one)
{
    const look* client = first_of(one.client);
    if (!client || client->state != ESTABLISHED ||
        client->rqueue != one.client->unread_at_kill_bytes)
        return {};
    const look* origin = first_of(one.origin);
    if (origin && origin->rqueue != one.origin->unread_at_kill_bytes)
        return {};
    return seen_as("client's", *client) + " and nothing more received at either end";
}

/// The proof that the looks at one connection give of this kill; empty: none.
std::string proof_in(const connection& one, kill_method by)
{
    switch (by) {
    case kill_method::abandon:
        return proof_of_abandon(one);
    case kill_method::inherit:
        return proof_of_inherit(one);
    case kill_method::stop:
        return {};
    case kill_method::sock_destroy:
    case kill_method::peer_reset:
        return proof_of_gone(one);
    case kill_method::peer_close:
        return proof_of_peer_close(one);
    case kill_method::peer_silent:
        return proof_of_silence(one);
    default:
        return proof_of_close(one);
    }
}

/// Kills that a first look can refute although the kill function has its proof.
bool is_refutable(kill_method by)
{
    return family_of(by) == kill_family::outside || by == kill_method::inherit;
}

std::string what_was_seen(const report& seen)
{
    for (const connection& one : seen.connections)
        if (const look* client = first_of(one.client))
            return seen_as("the client's", *client);
    return {};
}

} // namespace

confirmation confirm(const report& seen)
{
    const kill_method by = seen.plan.by;
    confirmation made;
    made.by = seen.kill.confirmed_by;
    if (made.by.empty() && family_of(by) == kill_family::process && by != kill_method::stop &&
        seen.process && !seen.process->lives && !seen.process->ended.empty())
        made.by = "wait status: " + seen.process->ended;
    // Of a client that says it closed, the kernel's word is the better evidence. Where the kernel
    // shows no close, the client's word counts: that is a leak, and not a kill that did not happen.
    const bool said_by_client = family_of(by) == kill_family::client && !is_control(by);
    if (said_by_client)
        for (const connection& one : seen.connections)
            if (std::string proof = proof_in(one, by); !proof.empty()) {
                made.by = std::move(proof);
                break;
            }
    if (!made.by.empty() && !is_refutable(by))
        return made;
    std::string proof;
    bool looked = by == kill_method::inherit;
    for (const connection& one : seen.connections) {
        looked = looked || first_of(one.client) != nullptr;
        if (proof.empty())
            proof = proof_in(one, by);
    }
    // Of an inheritance the holder is the proof, whatever the client says of itself.
    if (made.by.empty() || (by == kill_method::inherit && !proof.empty())) {
        made.by = proof;
    } else if (proof.empty() && looked) {
        made.by.clear();
        made.failure = why::kill_contradicted;
    }
    if (made.by.empty())
        made.detail = what_was_seen(seen);
    return made;
}

} // namespace finwait::judge
