// Text of others made safe for a terminal: the web side needs it, too, so it lives there.
#pragma once

#include "web/printable.hpp"

namespace finwait::daemon {

using finwait::columns_of;
using finwait::padded;
using finwait::printable;

} // namespace finwait::daemon
