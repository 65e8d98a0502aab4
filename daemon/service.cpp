#include "daemon/service.hpp"

#include "daemon/self.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <malloc.h>

namespace finwait::daemon {

using boost::system::error_code;
using std::chrono::system_clock;

service::service(
    net::io_context& io,
    service_options options,
    std::function<void(const finwait::audit&)> done,
    std::function<void(const std::string&)> noted
)
    : io_(io), options_(std::move(options)), done_(std::move(done)), noted_(std::move(noted)),
      history_(options_.history), next_(io)
{
}

void service::start()
{
    begin();
}

void service::stop()
{
    running_.reset();
    next_.cancel();
    next_at_.reset();
}

void service::begin()
{
    next_at_.reset();
    running_ = audit_run::start(
        io_,
        options_.audit,
        {.planned = [this](std::size_t) { refresh(); },
         .reported = [](const finwait::report&, std::string_view) {},
         .noted = noted_,
         .finished =
             [this](finwait::audit done) {
                 finish(std::move(done));
             }}
    );
    refresh();
}

void service::finish(finwait::audit done)
{
    running_.reset();
    last_ = last_audit{.id = done.id, .outcome = done.outcome, .at = system_clock::now()};
    open_findings_ = done.findings.size();
    checks_ = checks_of(done.environment);
    next_at_ =
        system_clock::now() + std::chrono::duration_cast<system_clock::duration>(options_.every);
    next_.expires_after(options_.every);
    next_.async_wait([this](const error_code& ec) {
        if (!ec)
            begin();
    });
    history_.add(done);
    done_(done);
    done = {};
    // An audit takes megabytes for a moment; glibc would keep them until the next one.
    (void)::malloc_trim(0);
    refresh();
}

void service::refresh()
{
    self_ = facts_of_self();
}

service_status service::status() const
{
    service_status now{
        .version = FINWAIT_VERSION,
        .started = started_,
        .last_audit = last_,
        .next_audit = next_at_,
        .open_findings = open_findings_,
        .checks = checks_,
        .self = self_};
    now.self.workers = running_ ? running_->workers() : 0;
    // Before the first audit nothing is known, which is not the same as good.
    now.status = last_ ? health_of(last_->outcome) : health::warn;
    for (const auto& [name, check] : checks_)
        now.status = std::max(now.status, check.status);
    return now;
}

health_checks service::readiness() const
{
    health_checks checks = checks_;
    checks["audit"] = last_ ? health_check{.detail = fmt::format("last: {}", word(last_->outcome))}
                            : health_check{.status = health::warn, .detail = "none has ended yet"};
    return checks;
}

web::audit_page service::audits(const web::audit_query& wanted) const
{
    return history_.page(wanted);
}

web::document service::audit(std::string_view id) const
{
    return history_.full(id);
}

web::document service::latest_audit() const
{
    return history_.latest();
}

web::document service::report(std::string_view id) const
{
    return history_.report(id);
}

web::document service::matrix(std::string_view audit_id) const
{
    return history_.matrix(audit_id);
}

web::document service::latest_matrix() const
{
    return history_.latest_matrix();
}

health health_of(outcome which)
{
    switch (which) {
    case outcome::clean:
        return health::pass;
    case outcome::unverified:
        return health::warn;
    case outcome::findings:
    case outcome::void_:
        break;
    }
    return health::fail;
}

health_checks checks_of(const environment& where)
{
    const bool sees = std::find(where.observers.begin(), where.observers.end(), "sock_diag") !=
                      where.observers.end();
    health_check sock_diag;
    if (!sees)
        sock_diag = {
            .status = health::fail,
            .detail = where.kernel.empty() ? "no worker could be started"
                                           : "the kernel does not answer socket diagnostics"};
    health_check lab;
    if (where.kernel.empty()) {
        lab = {.status = health::fail, .detail = "no worker could be started"};
    } else if (where.lab == lab_kind::host) {
        lab = {.status = health::warn, .detail = "on the host's loopback"};
        for (const not_run& each : where.not_run)
            lab.detail += fmt::format("; not run: {} ({})", each.what, each.reason);
    }
    return {{"lab", lab}, {"sock_diag", sock_diag}};
}

} // namespace finwait::daemon
