// What the daemon is doing and has done: the answers of its API, and when the next audit is.
#pragma once

#include "daemon/audit_run.hpp"
#include "daemon/history.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

namespace finwait::daemon {

/// How the daemon audits.
struct service_options
{
    audit_request audit;                                               ///< the same each time
    std::chrono::steady_clock::duration every = std::chrono::hours(1); ///< from an end to the next
    history_limits history;
};

/// Runs an audit now and then one after each interval, and answers for them. Between audits there
/// is no worker, and one timer.
class service final : public web::backend
{
public:
    /// `done` is called after each audit, `noted` with what belongs in the log.
    service(
        net::io_context& io,
        service_options options,
        std::function<void(const finwait::audit&)> done,
        std::function<void(const std::string&)> noted
    );

    void start();

    /// Ends a running audit, with its workers and all below them, and the schedule.
    void stop();

    service_status status() const override;
    health_checks readiness() const override;
    web::audit_page audits(const web::audit_query& wanted) const override;
    web::document audit(std::string_view id) const override;
    web::document latest_audit() const override;
    web::document report(std::string_view id) const override;
    web::document matrix(std::string_view audit_id) const override;
    web::document latest_matrix() const override;

private:
    void begin();
    void finish(finwait::audit done);
    void refresh(); ///< what `self` says

    net::io_context& io_;
    service_options options_;
    std::function<void(const finwait::audit&)> done_;
    std::function<void(const std::string&)> noted_;
    history history_;
    net::steady_timer next_;
    std::optional<std::chrono::system_clock::time_point> next_at_;
    std::chrono::system_clock::time_point started_ = std::chrono::system_clock::now();
    std::optional<last_audit> last_;
    std::uint64_t open_findings_ = 0;
    health_checks checks_;
    self_facts self_;
    std::unique_ptr<audit_run> running_;
};

/// What the last audit says of the daemon: `pass` clean, `fail` findings or void, `warn` cells
/// that could not be judged. Pure.
health health_of(outcome which);

/// What an environment says of the daemon's means: `sock_diag` and `lab`. Pure.
health_checks checks_of(const environment& where);

} // namespace finwait::daemon
