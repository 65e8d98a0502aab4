// Deaths from outside: the kernel or the peer ends the connection while the client holds still.
#include "probe/kill/kill.hpp"

namespace finwait::kill {
namespace {

proof by_peer(const std::function<std::size_t()>& act, const char* what)
{
    proof out;
    if (act() == 0)
        out.failed = std::string("the origin had no connection to ") + what;
    return out;
}

} // namespace

net::awaitable<proof> by_sock_destroy(victim& client)
{
    proof out;
    if (const auto done = client.diag->destroy(client.id); !done) {
        out.failed = "SOCK_DESTROY: " + done.error().message();
        co_return out;
    }
    const auto after = client.diag->look_up(client.id);
    if (after && !*after)
        out.happened = "SOCK_DESTROY acknowledged, and the cookie is in no listing any more";
    co_return out;
}

net::awaitable<proof> by_peer_close(victim& client)
{
    co_return by_peer(client.origin_closes, "close");
}

net::awaitable<proof> by_peer_reset(victim& client)
{
    co_return by_peer(client.origin_resets, "reset");
}

net::awaitable<proof> by_peer_silent(victim& client)
{
    (void)client; // the origin stalls already, and goes on: the looks show that no byte moved
    co_return proof{};
}

} // namespace finwait::kill
