// What can be run, asked of the configuration when it is read and of each order when it comes: one
// rule for both, so that what was accepted does start.
#pragma once

#include "daemon/config/configuration.hpp"
#include "probe/model/address_policy.hpp"

#include <cstddef>
#include <optional>
#include <string>

namespace finwait::daemon {

/// More than these would keep the daemon busy for hours; a command of one's own has no such limit.
constexpr std::size_t most_cells = 50'000;

/// Why so many cells cannot be probed so often: a clause; nullopt: they can.
std::optional<std::string> why_too_many(std::size_t cells, unsigned repeat);

/// What a target's URL may lead to.
address_policy policy_of(const target_settings& target);

/// A literal address of a URL that its target may not have.
struct forbidden_address
{
    std::string address; ///< without a port
    address_class what{};

    /// `leads to ADDRESS, a CLASS address`.
    std::string text() const;
};

/// nullopt: it is allowed, or the URL has a name. A name is looked at when it has been resolved, by
/// whoever connects to what it resolved to. Pure.
std::optional<forbidden_address> forbidden_address_of(const target_settings& target);

} // namespace finwait::daemon
