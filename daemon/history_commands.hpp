// The commands that look at what was found: reports, one of them, a difference, all of it. They ask
// a daemon, or read the file of one that need not run.
#pragma once

#include "daemon/api_client.hpp"
#include "daemon/commands.hpp"
#include "web/backend.hpp"

#include <optional>
#include <string>

namespace finwait::daemon {

/// Where the history is.
struct history_words
{
    place_words daemon;              ///< --socket, --url
    std::optional<std::string> file; ///< --history: read without the daemon
};

struct reports_options
{
    history_words where;
    web::report_query wanted; ///< `limit`: of all pages together
    output_options output;
};

/// Lists reports, newest first.
exit_code run_reports(const reports_options& options);

struct show_options
{
    history_words where;
    std::string id; ///< of a report or an audit, or `latest`
    output_options output;
};

/// Shows one report or one audit.
exit_code run_show(const show_options& options);

struct diff_options
{
    history_words where;
    std::string before; ///< ids of audits, or `latest`
    std::string after;
    output_options output;
};

/// Shows what is another in one audit than in an earlier one. `finding`: something is new.
exit_code run_diff(const diff_options& options);

/// Prints everything as NDJSON, oldest last: findings, then each audit with its reports behind it.
exit_code run_export(const history_words& where);

} // namespace finwait::daemon
