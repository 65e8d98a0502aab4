#include "daemon/history/lives.hpp"

#include "daemon/history/history.hpp"

#include <string>
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

} // namespace

void go_on_living(database& in, std::string_view audit, std::int64_t ended_ns)
{
    std::string name;
    {
        query row = in.ask("SELECT name FROM audits WHERE id = ?", audit);
        if (!row.next() || row.text(0) == single_probe)
            return;
        name = row.text(0);
    }
    for (const cell_said& each : said_by(in, audit))
        if (each.found)
            found(in, audit, name, each, ended_ns);
        else
            in.tell(
                "UPDATE findings SET state = 'gone', gone_since = ?, last_audit = ? "
                "WHERE name = ? AND cell = ? AND state <> 'gone'",
                ended_ns,
                audit,
                name,
                each.cell
            );
}

} // namespace finwait::daemon
