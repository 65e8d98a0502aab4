// What the web side needs to know, and whom it asks. The daemon implements it; tests use a fake.
#pragma once

#include "probe/model/plan.hpp"
#include "probe/model/words.hpp"
#include "web/event_log.hpp"
#include "web/metrics.hpp"
#include "web/problem.hpp"
#include "web/status.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace finwait::web {

/// A document ready to be sent, made once and shared by all who ask for it; null: there is none.
using document = std::shared_ptr<const std::string>;

/// Which part of a list, newest first.
struct page_query
{
    std::size_t limit = 20;                ///< 1 to 100
    std::optional<std::string> older_than; ///< the id after which to go on; it need not exist
};

/// Which audits a list should have.
struct audit_query : page_query
{
    std::optional<finwait::outcome> outcome; ///< only those
    std::optional<std::string> name;         ///< only those of that configured audit
    std::optional<std::string> target;       ///< only those
};

/// Which reports a list should have.
struct report_query : page_query
{
    std::optional<std::string> audit; ///< its id
    std::optional<std::string> subject;
    std::optional<std::string> target;
    std::optional<kill_point> at;
    std::optional<kill_method> by;
    std::optional<finwait::verdict> verdict;
    std::optional<bool> as_expected;
};

/// The life of a finding, cell by cell of one audit's name.
enum class finding_state {
    new_,        ///< in the last audit that ran its cell, not in the one before
    still_there, ///< in both
    gone,        ///< no longer in the last audit that ran its cell
};

/// Which findings a list should have.
struct finding_query : page_query
{
    std::optional<finding_state> state;
    std::optional<std::string> name; ///< of the audit
};

/// Which cells a matrix should have.
struct matrix_query
{
    std::optional<std::string> audit; ///< absent: the latest
    std::optional<std::string> subject;
    std::optional<std::string> target;
    std::optional<framing> request_framing;
};

/// One page of a list.
struct page
{
    std::vector<document> items;     ///< newest first, at most `limit`
    std::optional<std::string> next; ///< the last one's id, when there are more
};

/// Where a request came from.
enum class listener_kind { tcp, unix_ };

/// Who asks. Of a Unix socket by SO_PEERCRED.
struct peer
{
    listener_kind listener = listener_kind::tcp;
    std::uint32_t uid = 0; ///< unix_ only, as pid and gid
    std::uint32_t gid = 0;
    std::int32_t pid = 0;
};

/// An audit that is asked for: one of the configuration by its name, or a choice of names.
struct audit_order
{
    std::optional<std::string> name; ///< alone, without the choices below
    std::vector<std::string> at;     ///< words of kill points; empty: all
    std::vector<std::string> by;
    std::vector<std::string> framing; ///< of the request: none, length, chunked; empty: all
    std::vector<std::string> subjects;
    std::optional<std::string> target; ///< a configured one's name
    bool tls = false;
    unsigned repeat = 1;
};

/// What came of a request to do something: the id of what runs or waits now, or why not.
struct accepted
{
    std::string id;
    bool is_joined = false; ///< one like it was running or waiting already
};
template <class T>
using outcome_of = std::variant<T, problem>;

/// Nothing but success.
struct done
{
};

/// Answers at once, from memory or by one bounded look into the history: called in the event loop
/// that also serves everybody else. What it throws becomes a 500 and is logged.
class backend
{
public:
    // ---- reading

    /// Its `index` is filled in by whoever asks, from events(). The answer is kept and sent to all
    /// until events() gets an event or a status_changed(), but for a second at most.
    virtual service_status status() const = 0;
    /// Whether the daemon can do its job now; all but `fail` count as ready.
    virtual health_checks readiness() const = 0;
    virtual metrics_snapshot metrics() const = 0;

    virtual page audits(const audit_query& wanted) const = 0;
    /// json::dump of an audit that has ended, or of an audit_record (web/records.hpp) of one that
    /// runs or waits.
    virtual document audit(std::string_view id) const = 0;
    virtual document latest_audit() const = 0;
    /// `finwait.diff/1` of two audits that have ended; null: one is unknown.
    virtual document diff(std::string_view id, std::string_view against) const = 0;
    virtual document matrix(const matrix_query& wanted) const = 0;

    virtual page reports(const report_query& wanted) const = 0;
    virtual document report(std::string_view id) const = 0;
    /// The same for people, as text.
    virtual document report_log(std::string_view id) const = 0;
    virtual page findings(const finding_query& wanted) const = 0;

    /// json::dump of a probe_record (web/records.hpp).
    virtual document probe(std::string_view id) const = 0;

    virtual document subjects() const = 0; ///< json::dump of subject_records
    virtual document targets() const = 0;  ///< json::dump of target_records
    virtual document config() const = 0;   ///< json::dump of settings_record

    /// Whether an audit or a probe waits or runs. False for an unknown one.
    virtual bool is_underway(std::string_view id) const = 0;

    // ---- doing

    virtual outcome_of<accepted> start_audit(const audit_order& wanted, const peer& by) = 0;
    virtual outcome_of<done> cancel_audit(std::string_view id, const peer& by) = 0;
    virtual outcome_of<accepted> start_probe(const plan& wanted, const peer& by) = 0;
    virtual outcome_of<done> cancel_probe(std::string_view id, const peer& by) = 0;
    virtual outcome_of<document> reload_config(const peer& by) = 0;

    /// Told to whoever listens; the daemon adds to it.
    virtual event_log& events() = 0;

    virtual ~backend() = default;
};

} // namespace finwait::web

namespace finwait {

template <>
struct words<web::finding_state>
{
    static constexpr std::string_view what = "state of a finding";
    static constexpr std::array<std::string_view, 3> table{"new", "still_there", "gone"};
};

} // namespace finwait
