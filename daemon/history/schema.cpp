#include "daemon/history/schema.hpp"

#include <fmt/format.h>

#include <array>

namespace finwait::daemon {

namespace {

/// "finw": tells a history from another program's database (PRAGMA application_id).
constexpr std::int64_t application_id = 0x66696e77;

// Times are nanoseconds since 1970. What can be asked for by a filter stands once, in `cells`
// (where and how a probe died) and `kinds` (a cell and what came of it), so that a report needs two
// small indices only: each list walks the newest of every kind that fits, whatever the filter is.
// `tallies` outlive the reports: matrices and differences are made of them.
constexpr const char* version_1 = R"sql(
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE cells (
    cell INTEGER PRIMARY KEY,
    kill_point TEXT NOT NULL,
    kill_method TEXT NOT NULL,
    subject TEXT NOT NULL,
    target TEXT NOT NULL,
    family TEXT NOT NULL,
    tls INTEGER NOT NULL,
    unread INTEGER NOT NULL,
    blocked INTEGER NOT NULL,
    request_framing TEXT NOT NULL,
    response_framing TEXT NOT NULL,
    signal_to TEXT NOT NULL,
    after_action TEXT NOT NULL,
    UNIQUE (kill_point, kill_method, subject, target, family, tls, unread, blocked,
            request_framing, response_framing, signal_to, after_action)
) STRICT;

CREATE TABLE kinds (
    kind INTEGER PRIMARY KEY,
    cell INTEGER NOT NULL REFERENCES cells,
    control INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    end_state TEXT NOT NULL, -- empty: there is none
    expected TEXT NOT NULL CHECK (json_valid(expected)),
    as_expected INTEGER NOT NULL,
    finding INTEGER NOT NULL,
    UNIQUE (cell, control, verdict, end_state, expected, as_expected, finding)
) STRICT;

CREATE TABLE audits (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    started INTEGER NOT NULL,
    planned INTEGER NOT NULL,
    ended INTEGER,            -- NULL: it runs, or its end was never told
    outcome TEXT,
    longer INTEGER NOT NULL DEFAULT 0, -- kept as findings are
    environment TEXT CHECK (environment IS NULL OR json_valid(environment)),
    doc TEXT CHECK (doc IS NULL OR json_valid(doc)) -- without its reports
) STRICT;
CREATE INDEX audits_open ON audits (id) WHERE ended IS NULL;
CREATE INDEX audits_listed ON audits (id) WHERE ended IS NOT NULL AND name <> 'probe';
CREATE INDEX audits_by_name ON audits (name, id) WHERE ended IS NOT NULL;
CREATE INDEX audits_by_outcome ON audits (outcome, id) WHERE ended IS NOT NULL;
-- By their rowid, which each index ends with: that is the order in which they were, whatever the
-- clock said meanwhile.
CREATE INDEX audits_latest ON audits (name = 'probe') WHERE ended IS NOT NULL;
CREATE INDEX audits_latest_by_name ON audits (name) WHERE ended IS NOT NULL;
CREATE INDEX audits_by_age ON audits (longer, ended) WHERE ended IS NOT NULL;

CREATE TABLE audit_targets (
    target TEXT NOT NULL,
    audit TEXT NOT NULL REFERENCES audits,
    PRIMARY KEY (target, audit)
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_targets_by_audit ON audit_targets (audit);

CREATE TABLE tallies (
    audit TEXT NOT NULL REFERENCES audits,
    kind INTEGER NOT NULL REFERENCES kinds,
    count INTEGER NOT NULL,
    first_report TEXT NOT NULL,
    PRIMARY KEY (audit, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE reports (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    audit TEXT NOT NULL REFERENCES audits,
    kind INTEGER NOT NULL REFERENCES kinds,
    started INTEGER NOT NULL,
    longer INTEGER NOT NULL,
    doc TEXT NOT NULL CHECK (json_valid(doc))
) STRICT;
CREATE INDEX reports_by_audit ON reports (audit, id, kind);
CREATE INDEX reports_by_kind ON reports (kind, id);
CREATE INDEX reports_by_age ON reports (longer, started);

-- A life: from the first report to the audit that no longer found it. One that comes back has a
-- new one.
CREATE TABLE findings (
    id TEXT PRIMARY KEY, -- of the first report
    name TEXT NOT NULL,  -- of the audit
    cell INTEGER NOT NULL REFERENCES cells,
    state TEXT NOT NULL,
    seen_in INTEGER NOT NULL, -- audits
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    gone_since INTEGER,
    first_audit TEXT NOT NULL,
    last_audit TEXT NOT NULL, -- the last that ran its cell
    last_report TEXT NOT NULL,
    kind INTEGER NOT NULL REFERENCES kinds, -- what was found last
    reasons TEXT NOT NULL CHECK (json_valid(reasons))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX findings_open ON findings (name, cell) WHERE state <> 'gone';
CREATE INDEX findings_by_state ON findings (state, id);
CREATE INDEX findings_by_name ON findings (name, id);
)sql";

constexpr std::array steps{version_1};
static_assert(steps.size() == history_version);

} // namespace

file_kind kind_of(database& in)
{
    const auto version = in.number("PRAGMA user_version");
    const auto application = in.number("PRAGMA application_id");
    const bool has_tables = in.number("SELECT EXISTS (SELECT 1 FROM sqlite_schema)") != 0;
    if (application == application_id)
        return version > history_version ? file_kind::newer : file_kind::ours;
    return has_tables || version != 0 || application != 0 ? file_kind::foreign : file_kind::empty;
}

void migrate(database& in)
{
    // Only before the first table, and outside of a transaction (SQLite: PRAGMA auto_vacuum).
    in.run("PRAGMA auto_vacuum = INCREMENTAL");
    in.run("PRAGMA journal_mode = WAL");
    for (auto version = in.number("PRAGMA user_version"); version < history_version; ++version) {
        transaction all(in);
        in.run(steps[static_cast<std::size_t>(version)]);
        in.run(fmt::format("PRAGMA application_id = {}", application_id).c_str());
        in.run(fmt::format("PRAGMA user_version = {}", version + 1).c_str());
        all.commit();
    }
}

void set_up_writer(database& in)
{
    // Not trusted_schema = OFF: json_valid() in a CHECK would be "unsafe" (3.40).
    // NORMAL: a commit is in the page cache, so it survives a kill, and not always a power cut; the
    // file is whole in any case.
    in.run("PRAGMA synchronous = NORMAL;"
           "PRAGMA foreign_keys = ON;"
           "PRAGMA secure_delete = OFF;"
           "PRAGMA busy_timeout = 5000;"
           "PRAGMA cache_size = -1024");
}

void set_up_reader(database& in)
{
    // In the way of a reader is at most whoever opens or recovers the file, for a moment.
    in.run("PRAGMA query_only = ON;"
           "PRAGMA busy_timeout = 250;"
           "PRAGMA cache_size = -1024");
}

} // namespace finwait::daemon
