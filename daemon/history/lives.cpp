#include "daemon/history/lives.hpp"

#include "daemon/history/history.hpp"
#include "probe/model/plan.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace finwait::daemon {

namespace {

/// What an audit says of one cell.
struct cell_said
{
    std::int64_t cell = 0;
    bool found = false;
    std::int64_t kind = 0; ///< of the first report that found it
    std::string report;    ///< that one
};

std::vector<cell_said> said_by(database& in, std::string_view audit)
{
    // A bare column beside min() is of the row that has the minimum (SQLite: "Bare columns in an
    // aggregate query"); reports that found something come before those that did not.
    query rows = in.ask(
        "SELECT cell, max(finding), kind, min((1 - finding) || first_report) "
        "FROM tallies JOIN kinds USING (kind) "
        "WHERE audit = ? AND control = 0 AND verdict <> 'unverified' GROUP BY cell",
        audit
    );
    std::vector<cell_said> said;
    while (rows.next())
        said.push_back(
            {.cell = rows.integer(0),
             .found = rows.integer(1) != 0,
             .kind = rows.integer(2),
             .report = std::string(rows.text(3).substr(1))}
        );
    return said;
}

void found(
    database& in,
    std::string_view audit,
    std::string_view name,
    const cell_said& what,
    std::int64_t ended_ns
)
{
    std::string reasons = "[]";
    std::int64_t seen = ended_ns;
    {
        query row =
            in.ask("SELECT started, doc -> '$.reasons' FROM reports WHERE id = ?", what.report);
        if (row.next()) {
            seen = row.integer(0);
            reasons = row.is_null(1) ? reasons : std::string(row.text(1));
        }
    }
    in.tell(
        "UPDATE findings SET state = 'still_there', seen_in = seen_in + 1, last_seen = ?, "
        "last_audit = ?, last_report = ?, kind = ?, reasons = ? "
        "WHERE name = ? AND cell = ? AND state <> 'gone'",
        seen,
        audit,
        what.report,
        what.kind,
        reasons,
        name,
        what.cell
    );
    if (in.changes() != 0)
        return;
    in.tell(
        "INSERT INTO findings (id, name, cell, state, seen_in, first_seen, last_seen, "
        "first_audit, last_audit, last_report, kind, reasons) "
        "VALUES (?1, ?2, ?3, 'new', 1, ?4, ?4, ?5, ?5, ?1, ?6, ?7)",
        what.report,
        name,
        what.cell,
        seen,
        audit,
        what.kind,
        reasons
    );
}

/// Whether all of its reports are there, or were: none was lost for want of room, none set aside.
bool is_whole(database& in, const audit_end_row& what)
{
    const auto known =
        in.number("SELECT coalesce(sum(count), 0) FROM tallies WHERE audit = ?", what.id);
    return !what.is_interrupted && static_cast<std::uint64_t>(known) >= what.reports;
}

/// `row`: subject, kill method, kill point, family. As why_not_here() of daemon/audit_run.hpp.
bool is_possible(const query& row, const std::vector<std::string>& not_run)
{
    return std::none_of(not_run.begin(), not_run.end(), [&](const std::string& each) {
        return each == client_of(row.text(0)) || each == row.text(1) || each == row.text(2) ||
               each == row.text(3);
    });
}

void let_go_of_unplanned(database& in, const audit_end_row& what, std::string_view name)
{
    std::vector<std::string> unplanned;
    {
        query rows = in.ask(
            "SELECT subject, kill_method, kill_point, family, id FROM findings "
            "JOIN cells USING (cell) WHERE name = ? AND state <> 'gone' AND cell NOT IN "
            "(SELECT kinds.cell FROM tallies JOIN kinds USING (kind) WHERE audit = ?)",
            name,
            what.id
        );
        while (rows.next())
            if (is_possible(rows, what.not_run))
                unplanned.emplace_back(rows.text(4));
    }
    for (const auto& id : unplanned)
        in.tell(
            "UPDATE findings SET state = 'gone', gone_since = ? WHERE id = ?", what.ended_ns, id
        );
}

} // namespace

void go_on_living(database& in, const audit_end_row& what)
{
    std::string name;
    {
        query row = in.ask("SELECT name FROM audits WHERE id = ?", what.id);
        if (!row.next() || row.text(0) == single_probe)
            return;
        name = row.text(0);
    }
    const auto said = said_by(in, what.id);
    const bool is_all_known = is_whole(in, what);
    for (const cell_said& each : said)
        if (each.found)
            found(in, what.id, name, each, what.ended_ns);
        else if (is_all_known)
            in.tell(
                "UPDATE findings SET state = 'gone', gone_since = ?, last_audit = ? "
                "WHERE name = ? AND cell = ? AND state <> 'gone'",
                what.ended_ns,
                what.id,
                name,
                each.cell
            );
    const bool is_conclusive =
        !said.empty() && (what.outcome == outcome::clean || what.outcome == outcome::findings);
    if (is_all_known && is_conclusive && name != not_configured)
        let_go_of_unplanned(in, what, name);
}

void retire_all_but(
    database& in, const std::vector<std::string>& still_configured, std::int64_t now_ns
)
{
    std::vector<std::string> retired;
    {
        query rows = in.ask("SELECT DISTINCT name FROM findings WHERE state <> 'gone'");
        while (rows.next()) {
            const auto name = rows.text(0);
            const bool is_kept =
                std::find(still_configured.begin(), still_configured.end(), name) !=
                still_configured.end();
            if (!is_kept && name != not_configured)
                retired.emplace_back(name);
        }
    }
    for (const auto& name : retired)
        in.tell(
            "UPDATE findings SET state = 'gone', gone_since = ? WHERE name = ? AND state <> 'gone'",
            now_ns,
            name
        );
}

} // namespace finwait::daemon
