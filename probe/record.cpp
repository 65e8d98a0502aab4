#include "probe/record.hpp"

#include "probe/kernel/holders.hpp"
#include "probe/kernel/socket_facts.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <utility>

namespace finwait {

end end_of(const kernel::socket_id& id)
{
    end out;
    out.cookie = id.cookie;
    out.local = id.local;
    out.peer = id.peer;
    return out;
}

void note_queues(end& of, const look& seen)
{
    of.unread_at_kill_bytes = unread_in(seen);
    of.unsent_at_kill_bytes = unsent_in(seen);
}

std::optional<bool> try_port(const scene& where, end& client, std::vector<std::string>& warnings)
{
    const int refused = where.try_bind(client.local);
    if (refused == 0)
        return true;
    if (refused != EADDRINUSE) {
        warnings.push_back(fmt::format(
            "Whether the port is free could not be tried: {}.", kernel::errno_name(refused)
        ));
        return std::nullopt;
    }
    client.port.error = kernel::errno_name(refused);
    return false;
}

unsigned name_holders(end& client, std::span<const std::int32_t> likely)
{
    auto found = kernel::find_holders(client.inode, likely);
    if (found.holders.empty())
        found = kernel::find_holders(client.inode);
    client.holders = std::move(found.holders);
    return client.holders.empty() ? found.hidden_processes : 0;
}

} // namespace finwait
