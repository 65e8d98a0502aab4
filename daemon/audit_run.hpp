// One audit, from its plans to its outcome.
#pragma once

#include "daemon/crew.hpp"
#include "probe/model/audit.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace finwait::daemon {

/// What an audit is to do.
struct audit_request
{
    std::optional<std::string> id; ///< of the audit; absent: a new one
    /// Possible ones, in the order they are run; without ids, or with one where each is run once.
    std::vector<json::plan_line> plans;
    unsigned repeat = 1; ///< how often each
    /// Words somebody chose (`sock_destroy`, `resolve`, `curl`): a cell that this environment
    /// cannot do for the sake of one of them is reported as `unverified`. Others are left out.
    std::set<std::string, std::less<>> by_name;
    /// Subjects whose program is not here, by their recipe's name: their cells are treated like
    /// others that the environment cannot do.
    std::vector<not_run> absent;
    crew_options crew;
};

/// What an audit tells while it runs. Called from the io_context.
struct audit_events
{
    /// The lab is entered. Before `planned`; may be empty.
    std::function<void(const environment& where)> entered{};
    /// How many reports there will be. Before the first `reported`.
    std::function<void(std::size_t cells)> planned;
    /// A report and its line. It moves into the audit afterwards.
    std::function<void(const report& done, std::string_view line)> reported;
    std::function<void(const std::string& text)> noted; ///< for the log
    std::function<void(audit done)> finished;           ///< the last call
};

/// Why this environment cannot do a plan; nullopt: it can. Pure. `what` is one of the plan's words,
/// or its subject without the mode.
std::optional<not_run> why_not_here(const plan& wanted, const environment& where);

/// A running audit. Destroying it ends it, its workers and all below them; not in an event other
/// than `finished`.
class audit_run
{
public:
    static std::unique_ptr<audit_run>
    start(net::io_context& io, audit_request request, audit_events events);

    /// Ends it now and gives what there is, marked as interrupted. No event follows. Nothing to be
    /// called once it has finished.
    virtual audit interrupt() = 0;

    virtual const std::string& id() const = 0;
    virtual unsigned workers() const = 0;

    virtual ~audit_run() = default;
};

} // namespace finwait::daemon
