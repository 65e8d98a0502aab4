// What runs in the foreground and ends: an audit of many cells, or of one.
#pragma once

#include "daemon/audit_run.hpp"
#include "daemon/commands.hpp"
#include "daemon/grid.hpp"

#include <optional>
#include <vector>

namespace finwait::daemon {

/// What came of an audit in the foreground.
struct outcome_of_run
{
    std::optional<audit> done;
    int signal = 0; ///< that interrupted it
};

enum class line_output { none, each_report };

/// Runs one audit to its end, or until a signal.
outcome_of_run run_in_foreground(audit_request request, line_output lines);

/// How tables look on this standard output.
table_style style_for(const output_options& output);

/// Says that all is printed, and ends by the signal if there was one: after printing, as a shell
/// expects of an interrupted command.
exit_code end(exit_code judged, int signal);

/// The report of one cell; absent when a signal came before it.
struct outcome_of_cell
{
    std::optional<report> done;
    int signal = 0;
};

/// Runs one cell in one worker. It was asked for by name: what this environment cannot do of it
/// comes back as `unverified`.
outcome_of_cell run_cell(json::plan_line cell, std::vector<not_run> absent = {});

/// Prints it and gives the exit status, or says that it is not there.
exit_code show_cell(const outcome_of_cell& came_out, const output_options& output);

} // namespace finwait::daemon
