// What became of a socket, in one word.
#pragma once

#include "probe/model/words.hpp"

namespace finwait {

/// In order of severity, the mildest first: the worst connection gives the report's verdict.
enum class verdict {
    released,   ///< the kernel's socket is gone (CLOSE) or in TIME_WAIT
    draining,   ///< nobody owns it and the kernel is finishing under a finite timer
    held,       ///< still open, and meant to be
    unverified, ///< the kill did not happen, or the kernel could not be asked
    leaked,     ///< still open and nobody is going to close it
};

template <>
struct words<verdict>
{
    static constexpr std::string_view what = "verdict";
    static constexpr std::array<std::string_view, 5> table{
        "released", "draining", "held", "unverified", "leaked"};
};

/// The worse of two verdicts.
constexpr verdict worse(verdict a, verdict b)
{
    return a < b ? b : a;
}

} // namespace finwait
