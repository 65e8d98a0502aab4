#include "probe/external/experiment.hpp"

#include "probe/kernel/holders.hpp"

#include <algorithm>
#include <utility>

namespace finwait::external {

using namespace std::chrono_literals;

experiment::experiment(
    net::io_context& loop,
    plan what,
    std::string id,
    subject::client_order order,
    unsigned rounds_wanted
)
    : io(loop), how(std::move(order)), rounds(rounds_wanted)
{
    seen.id = std::move(id);
    seen.started = std::chrono::system_clock::now();
    seen.plan = std::move(what);
    seen.control = how.is_misuse;
}

bool experiment::is_complete() const
{
    return wanted().at == kill_point::idle || wanted().at == kill_point::idle_peer_closed;
}

clock::duration experiment::left() const
{
    return std::max<clock::duration>(stand_until - clock::now(), 0s);
}

net::awaitable<bool> experiment::until_said(event& what, clock::time_point until)
{
    while (!what.is_set() && client->lives() && clock::now() < until)
        co_await client->anything(until - clock::now());
    co_return what.is_set();
}

net::awaitable<void> experiment::until_settled(clock::duration limit)
{
    const auto until = clock::now() + limit;
    while (client->lives() && !client->is_done() && clock::now() < until)
        co_await client->anything(until - clock::now());
}

kernel::result<std::vector<kernel::socket_view>> experiment::list_sockets(kernel::listeners wanted
) const
{
    const auto inside = set->enter();
    return kernel::list_tcp_sockets(wanted);
}

bool experiment::is_to_origin(const kernel::socket_view& each) const
{
    return unmapped(each.peer) == unmapped(set->peer());
}

std::set<std::uint32_t> experiment::open_inodes() const
{
    std::set<std::uint32_t> out;
    for (const auto pid : client->processes())
        if (const auto open = kernel::socket_descriptors(pid))
            for (const auto& each : *open)
                out.insert(each.inode);
    return out;
}

} // namespace finwait::external
