#include "daemon/config/bounds.hpp"

#include "probe/client/asio_endpoint.hpp"
#include "probe/target.hpp"

#include <fmt/format.h>

namespace finwait::daemon {

std::optional<std::string> why_too_many(std::size_t cells, unsigned repeat)
{
    if (cells * repeat <= most_cells)
        return std::nullopt;
    return fmt::format("{} cells {} times are more than {}", cells, repeat, most_cells);
}

address_policy policy_of(const target_settings& target)
{
    return {.allow_loopback = target.allow_loopback, .allow_private = target.allow_private};
}

std::string forbidden_address::text() const
{
    return fmt::format("leads to {}, a {} address", address, word(what));
}

std::optional<forbidden_address> forbidden_address_of(const target_settings& target)
{
    for (const auto family : {address_family::ipv4, address_family::ipv6}) {
        const auto where = destination_of_url(target.url, family);
        if (!where || !where->name.empty())
            continue;
        const auto what = class_of(client::from_asio(where->address));
        if (!permits(policy_of(target), what))
            return forbidden_address{where->address.address().to_string(), what};
    }
    return std::nullopt;
}

} // namespace finwait::daemon
