#include "daemon/history/record_keeper.hpp"

#include "daemon/history/abandoned.hpp"
#include "daemon/history/lives.hpp"

#include <tuple>
#include <utility>

namespace finwait::daemon {

namespace {

/// More than a configuration has cells and outcomes; beyond it the table is asked again.
constexpr std::size_t most_known_kinds = 10'000;

} // namespace

void record_keeper::begin(const audit_start& what)
{
    open_.try_emplace(what.id, what);
    into_.tell(
        "INSERT INTO audits (id, name, started, planned) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (id) DO NOTHING",
        what.id,
        what.name,
        nanoseconds(what.started),
        static_cast<std::int64_t>(what.planned)
    );
}

void record_keeper::make_sure_of(std::string_view audit)
{
    if (const auto known = open_.find(audit); known != open_.end())
        begin(known->second);
}

void record_keeper::note(std::string_view key, std::int64_t value)
{
    into_.tell(
        "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        key,
        value
    );
}

void record_keeper::settle()
{
    for (const auto& id : ended_)
        open_.erase(id);
    ended_.clear();
}

void record_keeper::forget()
{
    kinds_.clear();
    ended_.clear();
}

void record_keeper::set_environment(std::string_view audit, std::string_view environment)
{
    make_sure_of(audit);
    into_.tell("UPDATE audits SET environment = ? WHERE id = ?", environment, audit);
}

void record_keeper::add(const report_row& what)
{
    make_sure_of(what.audit);
    const auto kind = kind_id(what.kind);
    into_.tell(
        "INSERT INTO reports (id, audit, kind, started, longer, doc) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO NOTHING",
        what.id,
        what.audit,
        kind,
        what.started_ns,
        what.longer,
        what.doc
    );
    if (into_.changes() != 0)
        tally(what, kind);
}

void record_keeper::add_brief(const report_row& what)
{
    make_sure_of(what.audit);
    tally(what, kind_id(what.kind));
}

void record_keeper::tally(const report_row& what, std::int64_t kind)
{
    into_.tell(
        "INSERT INTO tallies (audit, kind, count, first_report) VALUES (?, ?, 1, ?) "
        "ON CONFLICT (audit, kind) DO UPDATE SET count = count + 1, "
        "first_report = min(first_report, excluded.first_report)",
        what.audit,
        kind,
        what.id
    );
    into_.tell(
        "INSERT INTO audit_targets (target, audit) VALUES (?, ?) "
        "ON CONFLICT (target, audit) DO NOTHING",
        what.kind.cell.target,
        what.audit
    );
}

void record_keeper::end(const audit_end_row& what)
{
    make_sure_of(what.id);
    ended_.push_back(what.id);
    into_.tell(
        "INSERT INTO audits (id, name, started, planned) VALUES (?, ?, ?, 0) "
        "ON CONFLICT (id) DO NOTHING",
        what.id,
        what.name,
        what.started_ns
    );
    // What the workers said of the machine stands in the document now.
    into_.tell(
        "UPDATE audits SET ended = ?, outcome = ?, longer = ?, doc = ?, environment = NULL "
        "WHERE id = ? AND ended IS NULL",
        what.ended_ns,
        word(what.outcome),
        what.outcome != outcome::clean,
        what.doc,
        what.id
    );
    if (into_.changes() != 0 && what.outcome != outcome::void_)
        go_on_living(into_, what);
}

void record_keeper::retire(const std::vector<std::string>& still_configured, std::int64_t now_ns)
{
    retire_all_but(into_, still_configured, now_ns);
}

std::size_t record_keeper::end_abandoned()
{
    std::vector<std::string> ids;
    {
        query rows = into_.ask("SELECT id FROM audits WHERE ended IS NULL");
        while (rows.next())
            if (!open_.contains(rows.text(0))) // this process will tell
                ids.emplace_back(rows.text(0));
    }
    for (const auto& id : ids)
        end(row_of(as_interrupted(into_, id)));
    return ids.size();
}

std::int64_t record_keeper::kind_id(const kind_row& what)
{
    if (const auto known = kinds_.find(what); known != kinds_.end())
        return known->second;
    const auto cell = cell_id(what.cell);
    into_.tell(
        "INSERT INTO kinds (cell, control, verdict, end_state, expected, as_expected, finding) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        cell,
        what.control,
        what.verdict,
        what.end_state,
        what.expected,
        what.as_expected,
        what.finding
    );
    const auto kind = into_.number(
        "SELECT kind FROM kinds WHERE cell = ? AND control = ? AND verdict = ? AND end_state = ? "
        "AND expected = ? AND as_expected = ? AND finding = ?",
        cell,
        what.control,
        what.verdict,
        what.end_state,
        what.expected,
        what.as_expected,
        what.finding
    );
    if (kinds_.size() >= most_known_kinds)
        kinds_.clear();
    kinds_.emplace(what, kind);
    return kind;
}

std::int64_t record_keeper::cell_id(const json::cell_words& what)
{
    const auto values = std::tie(
        what.at,
        what.by,
        what.subject,
        what.target,
        what.family,
        what.tls,
        what.unread,
        what.blocked,
        what.request_framing,
        what.response_framing,
        what.signal_to,
        what.after
    );
    return std::apply(
        [this](const auto&... each) {
            into_.tell(
                "INSERT INTO cells (kill_point, kill_method, subject, target, family, tls, unread, "
                "blocked, request_framing, response_framing, signal_to, after_action) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                each...
            );
            return into_.number(
                "SELECT cell FROM cells WHERE kill_point = ? AND kill_method = ? AND subject = ? "
                "AND target = ? AND family = ? AND tls = ? AND unread = ? AND blocked = ? AND "
                "request_framing = ? AND response_framing = ? AND signal_to = ? AND "
                "after_action = ?",
                each...
            );
        },
        values
    );
}

} // namespace finwait::daemon
