// What the web side needs to know, and whom it asks. The daemon implements it; tests use a fake.
#pragma once

#include "web/status.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace finwait::web {

/// A document ready to be sent, made once and shared by all who ask for it; null: there is none.
using document = std::shared_ptr<const std::string>;

/// Which audits a list should have.
struct audit_query
{
    std::size_t limit = 20;                  ///< 1 to 100
    std::optional<std::string> older_than;   ///< the id after which to go on; it need not exist
    std::optional<finwait::outcome> outcome; ///< only those
};

/// One page of a list.
struct audit_page
{
    std::vector<document> audits;    ///< json::dump_brief of each, newest first, at most `limit`
    std::optional<std::string> next; ///< the last one's id, when there are more
};

/// Answers at once, from memory: called in the event loop that also serves everybody else. What it
/// throws becomes a 500 and is logged.
class backend
{
public:
    virtual service_status status() const = 0;
    /// Whether the daemon can do its job now; all but `fail` count as ready.
    virtual health_checks readiness() const = 0;
    virtual audit_page audits(const audit_query& wanted) const = 0;
    /// json::dump of an audit.
    virtual document audit(std::string_view id) const = 0;
    virtual document latest_audit() const = 0;
    /// json::dump of a report of any audit that is still remembered.
    virtual document report(std::string_view id) const = 0;
    /// json::dump_matrix of an audit.
    virtual document matrix(std::string_view audit_id) const = 0;
    virtual document latest_matrix() const = 0;

    virtual ~backend() = default;
};

} // namespace finwait::web
