// A worker's place among the processes of the machine: behind all others, as long as that harms no
// verdict.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <utility>

namespace finwait::daemon {

/// Whether a worker is behind all other processes or among them.
enum class priority { among_others, behind_others };

/// Gives this process's autogroup the nice value of a priority: 19 or 0 (sched(7), "The autogroup
/// feature"; kernel/sched/autogroup.c). True: it is in force, or this machine has no autogroups and
/// never will. False: not now, since the kernel lets only one process in 100 ms change one
/// (EAGAIN).
bool take(priority wanted);

/// What a process has had of the processors until a moment.
struct processor_time
{
    std::chrono::steady_clock::time_point at;
    std::chrono::nanoseconds used{};   ///< it ran
    std::chrono::nanoseconds waited{}; ///< it could have run, and others did
};

/// This process's, from /proc/self/schedstat (Documentation/scheduler/sched-stats.rst). nullopt:
/// this kernel does not count it.
std::optional<processor_time> own_processor_time();

/// Whether a process that wanted to run got less than a fortieth of one processor. With more than
/// that the probes of a worker stand where they should long before their limits.
bool is_starved(const processor_time& before, const processor_time& now);

/// Whether more than one and a half processes for each processor have wanted to run in the last
/// minute (sysinfo(2)): who stands behind all others there does not get on.
bool is_overloaded();

/// Makes this process the leader of a session, and so of an autogroup, of its own. It must lead no
/// process group (setsid(2)). What it starts is in it as well, but for what leads its own session.
void lead_own_session();

/// Whoever is served or measured by others comes first: a worker stands behind all other processes.
/// That ends, for good, where its probes could suffer: when it is starved, and when it judges a
/// program, which is to find the server that it would find without the daemon. On a machine that is
/// overloaded it does not begin.
class courtesy
{
public:
    /// What a probe is of.
    enum class kind { built_in, program };

    /// What it does to this process and sees of it; others in tests.
    struct kernel
    {
        std::function<bool(priority)> take = daemon::take;
        std::function<std::optional<processor_time>()> look = own_processor_time;
        std::function<bool()> is_overloaded = daemon::is_overloaded;
        std::chrono::milliseconds interval{1000}; ///< between two looks
    };

    courtesy(boost::asio::io_context& io, kernel of) : kernel_(std::move(of)), pace_(io)
    {
        if (kernel_.is_overloaded())
            wanted_ = priority::among_others;
    }

    void began(kind what);
    void ended() { --under_way_; }

private:
    void look();

    kernel kernel_;
    boost::asio::steady_timer pace_;
    std::optional<processor_time> before_;
    unsigned under_way_ = 0;
    priority wanted_ = priority::behind_others;
    priority in_force_ = priority::among_others;
    bool is_watching_ = false;
};

} // namespace finwait::daemon
