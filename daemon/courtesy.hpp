// A worker's place among the processes of the machine: behind all others, as long as that harms no
// verdict.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <utility>

#include <unistd.h>

namespace finwait::daemon {

/// Whether a worker is behind all other processes or among them.
enum class priority { among_others, behind_others };

/// Gives this process's autogroup the nice value of a priority: 19 or 0 (sched(7), "The autogroup
/// feature"; kernel/sched/autogroup.c). True: it is in force, or this machine has no autogroups and
/// never will. False: not now, since the kernel lets only one process in 100 ms change one
/// (EAGAIN).
bool take(priority wanted);

/// Whether more than one and a half processes for each processor have wanted to run in the last
/// minute (sysinfo(2)): who stands behind all others there does not get on.
bool is_overloaded();

/// Makes this process the leader of a session, and so of an autogroup, of its own. What it starts
/// is in it as well, but for what leads its own session. False: it is not, since it leads a process
/// group (setsid(2)); its autogroup is then others' as well, and no courtesy is to be had.
bool lead_own_session();

/// Whoever is served or measured by others comes first: a worker stands behind all other processes.
/// That ends, for good, where its probes could suffer: when one of the built-in client has been
/// under way for `patience`, longer than any takes that gets a processor, and far from its limits;
/// and when it judges a program, which is to find the server that it would find without the daemon.
/// On a machine that is overloaded it does not begin.
class courtesy
{
public:
    using clock = std::chrono::steady_clock;

    /// What a probe is of.
    enum class kind { built_in, program };

    /// What it does to this process and sees of the machine, and its times; others in tests.
    struct manner
    {
        std::function<bool(priority)> take = daemon::take;
        std::function<bool()> is_overloaded = daemon::is_overloaded;
        std::chrono::milliseconds patience{6000};
        std::chrono::milliseconds interval{500}; ///< between two looks at how old probes are
        std::chrono::milliseconds refusal{100};  ///< before `take` is tried again, at least
    };

    courtesy(boost::asio::io_context& io, manner how) : how_(std::move(how)), pace_(io), again_(io)
    {
        if (how_.is_overloaded())
            wanted_ = priority::among_others;
    }

    void began(const std::string& id, kind what);
    void ended(const std::string& id) { since_.erase(id); }

private:
    void look();
    void settle();

    manner how_;
    boost::asio::steady_timer pace_;
    boost::asio::steady_timer again_;
    std::minstd_rand chance_{static_cast<unsigned>(::getpid())};
    std::map<std::string, clock::time_point> since_; ///< of the probes under way, by id
    priority wanted_ = priority::behind_others;
    priority in_force_ = priority::among_others;
    bool is_watching_ = false;
};

} // namespace finwait::daemon
