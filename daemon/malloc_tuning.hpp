// glibc's malloc as a worker needs it.
#pragma once

#include "probe/subject/spawn.hpp"

namespace finwait::daemon {

/// Gives a worker's environment what makes its malloc keep more freed blocks at hand, unless the
/// operator has set tunables himself. A probe allocates some 90 times and many are in flight, where
/// glibc's thread cache keeps 7 blocks of a size: a probe costs a tenth less with more of them.
/// mallopt(3) has no word for it ("Memory Allocation Tunables" in the glibc manual).
void tune_malloc_of(subject::environment_block& worker);

/// Takes it out of this process's own environment again, so that no client under test inherits
/// what it would not have on its own. glibc has read it by then.
void forget_malloc_tuning();

} // namespace finwait::daemon
