#include "daemon/crew_choice.hpp"

#include <algorithm>

#include <sched.h>

namespace finwait::daemon {

unsigned usable_processors()
{
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return 1;
    return static_cast<unsigned>(std::max(1, CPU_COUNT(&allowed)));
}

crew_options choose_crew(std::span<const plan> plans, unsigned jobs, unsigned in_flight)
{
    // More workers than this do not finish a few hundred cells any sooner.
    constexpr unsigned most_jobs = 8;
    const bool outside =
        std::any_of(plans.begin(), plans.end(), [](const plan& p) { return p.target != "origin"; });
    crew_options chosen;
    chosen.worker.where = outside ? lab::wanted::host : lab::wanted::namespaces;
    chosen.worker.in_flight = in_flight != 0 ? in_flight : audit_in_flight;
    chosen.jobs = jobs != 0 ? jobs : std::min(usable_processors(), most_jobs);
    return chosen;
}

} // namespace finwait::daemon
