// What every run writes into its report in the same way, whoever's client it is.
#pragma once

#include "probe/judge/judge.hpp"
#include "probe/scene.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace finwait {

/// What stood in the way of a probe: the first thing that did, since others follow from it.
struct first_obstacle
{
    std::optional<judge::obstacle> what;

    explicit operator bool() const { return what.has_value(); }
    void put(std::string code, std::string text)
    {
        if (!what)
            what = judge::obstacle{std::move(code), std::move(text)};
    }
};

/// The end that the origin sees under this name.
end end_of(const kernel::socket_id& id);

/// Queues of an end right before the kill.
void note_queues(end& of, const look& seen);

/// Whether bind(2) takes the client's port in the probe's namespace: the original question,
/// answered literally. nullopt: it could not be tried, which becomes a warning.
std::optional<bool> try_port(const scene& where, end& client, std::vector<std::string>& warnings);

/// Names whoever has the client's socket open; first asks the processes that are known to be able
/// to. Gives how many processes could not be read when nobody was found.
unsigned name_holders(end& client, std::span<const std::int32_t> likely);

} // namespace finwait
