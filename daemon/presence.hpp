// Whether the programs that recipes are about are on this machine.
#pragma once

#include "daemon/recipe.hpp"

#include <chrono>
#include <span>
#include <string>
#include <vector>

namespace finwait::daemon {

/// What asking for a program's version came to.
struct presence
{
    bool is_there = false;
    std::string version; ///< the first line it printed; empty when it is not there
    std::string reason;  ///< why it is not there, or empty
};

/// Runs what each recipe `requires`, all at once, with no input; one result per recipe, in their
/// order. There is a program that ended with 0, printed a line and is of a version in the range.
/// What has not ended by the limit is killed, and whatever any of them has started is killed in any
/// case, wherever it has gone. Blocks until then. Of what they print the first 4 KiB are kept.
/// This process becomes a subreaper by it (children.hpp).
std::vector<presence> look_for(
    std::span<const recipe> wanted, std::chrono::milliseconds limit = std::chrono::seconds(10)
);

} // namespace finwait::daemon
