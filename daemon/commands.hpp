// The commands, each with what its command line said. They write data to standard output and
// everything else to standard error; usage_error and output_error leave them.
#pragma once

#include "daemon/exit_code.hpp"
#include "daemon/paint.hpp"
#include "daemon/plan_arguments.hpp"
#include "daemon/run_command.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace finwait::daemon {

enum class output_form {
    table,  ///< for people
    json,   ///< one document
    ndjson, ///< a report per line, as they finish
};

/// How a command's output is to look.
struct output_options
{
    output_form form = output_form::table;
    color_choice color = color_choice::automatic;
};

struct audit_options
{
    plan_arguments plans;
    output_options output;
    unsigned repeat = 1;
    unsigned jobs = 0;                ///< 0: as many as there are processors
    unsigned in_flight = 0;           ///< 0: what an audit is best at
    std::optional<std::string> junit; ///< a file
};

/// Runs an audit and prints it. SIGINT and SIGTERM end it; what there is is printed, and the
/// process then ends by that signal.
exit_code run_audit(const audit_options& options);

struct probe_options
{
    plan_arguments plan;
    output_options output;
};

/// Runs one probe and prints its report.
exit_code run_probe_command(const probe_options& options);

struct run_options
{
    run_arguments words;
    output_options output;
};

/// Runs one probe of a program's client and prints its report. A program that could not be started
/// is wrong usage.
exit_code run_program(const run_options& options);

struct serve_options
{
    std::string listen = "127.0.0.1:9793";
    std::chrono::milliseconds every = std::chrono::hours(1);
    output_options output;
};

/// The daemon: audits at start and then regularly, serves them, until SIGTERM or SIGINT.
exit_code run_serve(const serve_options& options);

struct status_options
{
    std::string url = "http://127.0.0.1:9793";
    output_options output;
    std::optional<std::string> wait_for; ///< `pass`
    std::chrono::milliseconds timeout = std::chrono::seconds(60);
};

/// Asks the daemon how it is.
exit_code run_status(const status_options& options);

} // namespace finwait::daemon
