// From a verdict to its reasons: which close rules explain what was seen.
#pragma once

#include "probe/judge/verdict.hpp"

#include <vector>

namespace finwait::judge {

/// Why one connection was judged so, the most important first; at least one reason. Released ends
/// are explained by the course of the close rules that leads from what was seen at the kill to what
/// was seen then; where none does, `unexpected_end` says so. `counters` may contradict: `warnings`
/// gets one sentence for each that does.
std::vector<reason> explain(
    const report& seen,
    const connection& one,
    const ruling& ruled,
    std::vector<std::string>& warnings
);

} // namespace finwait::judge
