#include "probe/ready.hpp"

#include <fmt/format.h>

namespace finwait {
namespace {

/// The state the client's end dies in.
tcp_state state_at(kill_point at)
{
    switch (at) {
    case kill_point::connect:
        return tcp_state::SYN_SENT;
    case kill_point::idle_peer_closed:
        return tcp_state::CLOSE_WAIT;
    default:
        return tcp_state::ESTABLISHED;
    }
}

/// Whether bytes of the origin must lie unread in the client's queue: the plan leaves them there,
/// or they are TLS 1.3 session tickets, which nobody reads before the response.
bool leaves_unread(const plan& what)
{
    const bool sending =
        what.at == kill_point::request_headers || what.at == kill_point::request_body;
    return what.unread || (what.tls && sending);
}

/// Whether something may still be on its way from the origin that the client has yet to read.
bool may_be_on_its_way(const plan& what)
{
    const bool in_response =
        what.at == kill_point::response_headers || what.at == kill_point::response_body;
    const bool handshake_done = what.tls && what.at > kill_point::tls_handshake;
    return (in_response || handshake_done) && what.at < kill_point::idle;
}

} // namespace

std::optional<std::string>
not_ready(const plan& what, const look& client, const std::optional<look>& origin)
{
    if (client.state != state_at(what.at))
        return fmt::format("the client's socket is in {}", word(client.state));
    if (what.target != "origin") {
        // Its server goes on as it likes; what is unread beside what the plan wants is recorded.
        if (what.unread && unread_in(client) == 0)
            return "no byte has come that could be left unread";
        return std::nullopt;
    }
    if (origin && may_be_on_its_way(what) && origin->wqueue > 0)
        return fmt::format("{} bytes of the origin are on their way", origin->wqueue);
    if (leaves_unread(what) && unread_in(client) == 0)
        return "no byte has come that could be left unread";
    if (!leaves_unread(what) && unread_in(client) > 0)
        return fmt::format("the client has {} bytes still to read", unread_in(client));
    if (what.blocked && (client.wqueue == 0 || client.timer != tcp_timer::probe0))
        return "the origin's window is not closed yet";
    return std::nullopt;
}

} // namespace finwait
