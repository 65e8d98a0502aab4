#include "daemon/crew_choice.hpp"

#include <algorithm>

#include <sched.h>

namespace finwait::daemon {

std::chrono::milliseconds longest_of(const subject::client_order& client)
{
    return client.timeout + client.own_timeout + client.settle.back();
}

unsigned usable_processors()
{
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return 1;
    return static_cast<unsigned>(std::max(1, CPU_COUNT(&allowed)));
}

crew_options choose_crew(std::span<const json::plan_line> plans, unsigned jobs, unsigned in_flight)
{
    // More workers than this do not finish a few hundred cells any sooner.
    constexpr unsigned most_jobs = 8;
    crew_options chosen;
    chosen.worker.in_flight = in_flight != 0 ? in_flight : audit_in_flight;
    std::chrono::milliseconds slowest{0};
    for (const json::plan_line& each : plans) {
        if (each.plan.target != "origin")
            chosen.worker.where = lab::wanted::host;
        if (!each.client)
            continue;
        slowest = std::max(slowest, longest_of(*each.client));
        if (in_flight == 0)
            chosen.worker.in_flight = audit_in_flight_of_programs;
    }
    chosen.patience += slowest;
    chosen.jobs = jobs != 0 ? jobs : std::min(usable_processors(), most_jobs);
    return chosen;
}

} // namespace finwait::daemon
