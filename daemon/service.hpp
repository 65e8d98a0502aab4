// What the daemon does and knows: audits at their times and when they are asked for, single probes,
// and the answers of its API over these and over the history.
#pragma once

#include "daemon/config/configuration.hpp"
#include "daemon/history/history.hpp"
#include "web/backend.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>

namespace finwait::daemon {

/// What the service tells the process around it. Called from the io_context. Empty ones are not
/// called.
struct service_events
{
    std::function<void(const std::string& text)> noted; ///< for the log
    /// An audit has ended; `name` is that of the configuration, or `ad hoc`. Not of single probes.
    std::function<void(const finwait::audit& done, const std::string& name)> audit_done;
    /// What state_line() gives is another now.
    std::function<void()> changed;
    /// Reads the configuration again, and either calls apply() and gives config(), or says what is
    /// wrong with it (`bad_config`), and the old one stays.
    std::function<web::outcome_of<web::document>()> reload;
};

/// Runs one audit or probe at a time, each in workers of its own; what else is due or asked for
/// waits in a bounded queue. Between audits there is no worker, and one timer. Everything in the
/// io_context's one thread, but for asking programs for their versions.
class service : public web::backend
{
public:
    /// `stored` and `io` outlive it. Nothing runs before start().
    static std::unique_ptr<service> make(
        boost::asio::io_context& io,
        const configuration& how,
        history& stored,
        service_events events
    );

    /// Begins with the schedule: what is due runs now.
    virtual void start() = 0;

    /// From now on this configuration: another schedule, other targets, other limits. What runs and
    /// what waits goes on as it was asked for. Listeners and the place of the history are not for
    /// the service to change.
    virtual void apply(const configuration& how) = 0;

    /// Ends what runs, with its workers and all below them, and the schedule. Blocks for a few
    /// milliseconds. What was running is stored as interrupted.
    virtual void stop() = 0;

    /// One line on what it is doing, for `systemctl status`: `last audit default: clean, 2026-…`.
    virtual std::string state_line() const = 0;

    /// The history is in another state: its file was set aside, cannot be written, or can again.
    virtual void history_changed() = 0;

    /// Whether the last attempt to read the configuration succeeded, for the metrics and /readyz.
    virtual void note_reload(bool succeeded, const std::string& detail) = 0;
};

/// What the last audit says of the daemon: `pass` clean, `fail` findings or void, `warn` cells
/// that could not be judged. Pure.
health health_of(outcome which);

/// What an environment says of the daemon's means: `sock_diag` and `lab`. Pure.
health_checks checks_of(const environment& where);

} // namespace finwait::daemon
