// The life of findings: first seen, still there, gone.
#pragma once

#include "daemon/history/records.hpp"
#include "daemon/history/sqlite.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace finwait::daemon {

/// What the end of an audit means for the findings of its name, cell by cell: found for the first
/// time (or again after it was gone) `new`, found again `still_there`, judged and not found `gone`.
/// A cell that could not be judged says nothing, nor does one that the machine could not do.
///
/// What was not found is gone only if all of the audit is known: it was not interrupted, and all of
/// its reports were stored. If it then is clean or has findings, cells that it did not have are
/// gone as well: nobody plans them any more. That does not hold for audits that nobody configured,
/// where each has cells of its own. Single probes say nothing at all.
/// Once for each audit, when its row is there, within a transaction. Throws sqlite_error.
void go_on_living(database& in, const audit_end_row& what);

/// The open findings of audits with another name than these are `gone`, but for those of audits
/// that nobody configured. Within a transaction. Throws sqlite_error.
void retire_all_but(
    database& in, const std::vector<std::string>& still_configured, std::int64_t now_ns
);

} // namespace finwait::daemon
