// A plan in a person's words.
#pragma once

#include "probe/model/plan.hpp"

#include <string>

namespace finwait::daemon {

/// What tells a cell from its neighbours at the same point and by the same method: `http`,
/// `https, response chunked 64 KiB, unread`. What is as by default is left out, the scheme never.
std::string variant_of(const plan& what);

/// The command that runs this plan again, of the built-in client or of a recipe's: `finwait probe
/// --at idle --by close --tls`. Arguments are quoted for a shell where they must be.
std::string command_of(const plan& what);

} // namespace finwait::daemon
