// What the daemon runs, one thing at a time: audits, and single probes, which go first. From being
// asked for to being stored.
#pragma once

#include "daemon/audits/audit_queue.hpp"
#include "daemon/audits/catalogue.hpp"
#include "daemon/audits/order.hpp"
#include "daemon/history/history.hpp"
#include "daemon/probes/probe_book.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace finwait::daemon {

/// An audit that has ended.
struct ended_audit
{
    std::shared_ptr<const finwait::audit> what; ///< null: it was cancelled before its first cell
    std::string id;
    std::string name;
    bool is_stored = false; ///< it can be read from the history, and survives this process
};

/// What the lane tells. Called from the io_context, never from a call of ours.
struct lane_events
{
    std::function<void(const std::string& text)> noted; ///< for the log
    /// The origin's lab, by its first worker. Targets are reached from the host, without a lab.
    std::function<void(const environment& where)> entered;
    std::function<void(const web::audit_record& what)> moved; ///< waits, runs, got further
    /// A report of that audit; nothing but a count, it is not stored yet.
    std::function<void(const report& done)> reported;
    /// A report of that audit can be read from the history now.
    std::function<void(const web::report_event& what)> stored;
    std::function<void(const ended_audit& done)> ended;
    std::function<void()> looked; ///< programs() gives another answer now
};

/// How much may wait.
struct lane_limits
{
    std::size_t audits = 16;
    std::size_t probes = 256;
    unsigned batch = 28; ///< single probes to one target that are run together
};

class lane
{
public:
    /// `io` and `stored` outlive it.
    static std::unique_ptr<lane>
    make(boost::asio::io_context& io, history& stored, lane_limits limits, lane_events events);

    virtual void limit(lane_limits limits) = 0;

    /// Runs it as soon as it is its turn, or joins the same one.
    virtual audit_queue::asked ask(prepared_audit wanted) = 0;
    /// The id of it and of its report; nullopt: too many wait.
    virtual std::optional<std::string> ask(prepared_probe wanted) = 0;
    /// Sees what the lab can do, when nothing else has to be done.
    virtual void look_at_lab() = 0;
    /// Asks for the programs of recipes, when nothing else has to be done.
    virtual void look_for_programs(std::vector<recipe> wanted) = 0;

    /// Ends it, or takes it out of the queue.
    virtual removal cancel_audit(std::string_view id) = 0;
    virtual probe_removal cancel_probe(std::string_view id) = 0;

    /// Ends what runs, with all workers and everything below them; nothing is begun and nothing
    /// told any more. What had begun is stored as interrupted. Blocks for a few milliseconds.
    virtual void stop() = 0;

    /// One that waits, runs, or is over without being in the history; nullptr: none of these.
    virtual const web::audit_record* audit(std::string_view id) const = 0;
    /// The id of the one of that name that waits or runs.
    virtual std::optional<std::string> underway(std::string_view name) const = 0;
    virtual const web::probe_record* probe(std::string_view id) const = 0;
    /// Whether it waits, runs, or is being stored.
    virtual bool is_underway(std::string_view id) const = 0;
    /// The audit that runs; nullptr: none does.
    virtual const web::audit_record* running() const = 0;

    virtual finwait::waiting_counts waiting() const = 0;
    virtual unsigned workers() const = 0;
    virtual const known_programs& programs() const = 0;

    /// Stops.
    virtual ~lane() = default;
};

} // namespace finwait::daemon
