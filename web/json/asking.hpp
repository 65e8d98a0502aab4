// What a command that asks the daemon writes, and what it reads of the answers. The daemon may be
// newer: what is not known is passed over.
#pragma once

#include "probe/model/audit.hpp"
#include "web/backend.hpp"
#include "web/records.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace finwait::json {

/// The body of POST /api/v1/audits; only what was chosen.
std::string dump(const web::audit_order& what);

/// What a problem says; both empty when the text is none (RFC 9457).
struct understood
{
    std::string code; ///< `limit_exceeded`
    std::string text; ///< its detail, then those of its parts that say something else
};
understood understood_problem(std::string_view text);

/// How far an audit is: of its document, of the same without reports, or of an event's data.
struct audit_glance
{
    std::string id;
    std::optional<finwait::outcome> outcome; ///< absent: it has not ended, or was not stored
    std::optional<web::run_state> state;     ///< absent: it has ended
    std::uint64_t planned = 0;
    std::uint64_t done = 0;

    bool is_over() const
    {
        return outcome || state == web::run_state::done || state == web::run_state::cancelled;
    }
};
/// nullopt: the text is no `finwait.audit/1`.
std::optional<audit_glance> glance_at_audit(std::string_view text);

} // namespace finwait::json
