// When each configured audit is due. Pure: it is told what time it is and what ran, and has neither
// clock nor timer. An audit that runs is not due; what was missed meanwhile, or while the daemon
// was away, is due once.
#pragma once

#include "daemon/config/configuration.hpp"
#include "daemon/schedule/calendar.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace finwait::daemon {

/// A run of an audit that has ended.
struct past_run
{
    std::chrono::system_clock::time_point started;
    std::chrono::system_clock::time_point ended;
};

/// An audit that has to run now.
struct due_audit
{
    std::string name;
    std::chrono::system_clock::time_point planned; ///< the time for which it is due
    std::uint64_t missed = 0; ///< times before that one which passed without it, too

    friend bool operator==(const due_audit&, const due_audit&) = default;
};

/// A sentence for the log on an audit that is run late (by a minute or more) or for several missed
/// times; empty: it is on time.
std::string why_late(const due_audit& what, std::chrono::system_clock::time_point now);

/// The times of all audits. Names that it does not know are passed over.
class timetable
{
public:
    using time_point = std::chrono::system_clock::time_point;
    /// The last run of the audit of that name, from the history; nullopt: none is known.
    using last_run = std::function<std::optional<past_run>(std::string_view name)>;

    /// Takes these audits, at start and after each reload. One that was there with the same times
    /// keeps its next run; a running one goes on. `every` counts from the end of the last run, and
    /// without one it is due at once; a calendar's time that passed since the last run is made up
    /// for, and without a run the next one counts.
    void set(const std::vector<audit_settings>& audits, const last_run& last, time_point now);

    /// Those that are due, in the order of their times. Each is given once: tell started() or
    /// refused() of it. To be asked every minute or so, since it is also what notices that the
    /// clock was set back.
    std::vector<due_audit> due(time_point now);

    /// It waits in the queue or runs, whoever asked for it: it is not due until it ended. Tell it
    /// again when one that waited begins to run; what passed while it waited is not missed.
    void started(std::string_view name, time_point now);

    /// It ended, in whatever way.
    void ended(std::string_view name, time_point now);

    /// The queue was full: due again in a minute, with one more missed.
    void refused(std::string_view name, time_point now);

    /// When that audit is next; nullopt: when somebody asks for it, or at some time after the end
    /// of the run that goes on now.
    std::optional<time_point> next(std::string_view name, time_point now) const;

    /// The earliest next() of all; nullopt: none is planned.
    std::optional<time_point> next(time_point now) const;

private:
    struct entry
    {
        std::string name;
        std::optional<std::chrono::milliseconds> every;
        std::optional<std::string> calendar_text;
        std::optional<calendar> at;
        std::optional<time_point> planned; ///< absent: nothing is, or it was given by due()
        std::optional<time_point> running_since;
        std::uint64_t missed = 0;
    };

    static entry planned(const audit_settings& of, const last_run& last, time_point now);
    static void plan_after(entry& one, const past_run& run, time_point now);
    static void count_missed(entry& one, time_point now);
    static std::optional<time_point> next_of(const entry& one, time_point now);
    entry* find(std::string_view name);

    std::vector<entry> entries_;
};

} // namespace finwait::daemon
