// What a piece of work costs: its time on the clock, and the time its process was on a processor.
#pragma once

#include <chrono>
#include <utility>

#include <sys/resource.h>

namespace finwait::bench {

/// Both in seconds. On a busy machine only the second says what the work itself takes.
struct cost
{
    double wall = 0;
    double cpu = 0; ///< user and system time, getrusage(2)
};

/// The processor time that this process has had so far, in seconds.
inline double cpu_so_far()
{
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& of) {
        return static_cast<double>(of.tv_sec) + static_cast<double>(of.tv_usec) / 1e6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

/// Does the work and gives what it cost.
template <class Work>
cost cost_of(Work&& work)
{
    const double cpu_before = cpu_so_far();
    const auto begin = std::chrono::steady_clock::now();
    std::forward<Work>(work)();
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
    return {wall.count(), cpu_so_far() - cpu_before};
}

} // namespace finwait::bench
