// The commands, each with what its command line said. They write data to standard output and
// everything else to standard error; usage_error and output_error leave them.
#pragma once

#include "daemon/api_client.hpp"
#include "daemon/exit_code.hpp"
#include "daemon/paint.hpp"
#include "daemon/plan_arguments.hpp"
#include "daemon/run_command.hpp"
#include "web/backend.hpp"

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

struct daemon_audit_options
{
    place_words where;
    web::audit_order order;
    output_options output;
    std::optional<std::string> junit; ///< a file
    unsigned retries = 0;             ///< how often it is tried again instead of `unreachable`
};

/// Has the daemon run an audit, follows it and prints it. `unreachable`: no daemon, its queue is
/// full, or it went away meanwhile. Before that it is tried again `retries` times: after 1 s, then
/// after twice as long each time, at most 30 s; each time that is said.
exit_code run_daemon_audit(const daemon_audit_options& options);

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

/// What `serve` is to do.
enum class serve_task {
    serve,
    check_config, ///< say what is wrong with the configuration
    print_config, ///< print the one that is in force
};

struct serve_options
{
    serve_task task = serve_task::serve;
    std::optional<std::string> config;              ///< a file
    std::optional<std::string> listen;              ///< instead of serve.tcp
    std::optional<std::chrono::milliseconds> every; ///< instead of the default audit's times
    output_options output;
};

/// The daemon: audits at their times, serves them, until SIGTERM or SIGINT; SIGHUP reads the
/// configuration again.
exit_code run_serve(const serve_options& options);

/// Whether a command ends with its first answer.
enum class watching { once, changes };

struct status_options
{
    place_words where;
    output_options output;
    std::optional<std::string> wait_for; ///< `pass`
    std::chrono::milliseconds timeout = std::chrono::seconds(60);
    watching watch = watching::once; ///< `changes`: until a signal, or the daemon's end
};

/// Asks the daemon how it is.
exit_code run_status(const status_options& options);

} // namespace finwait::daemon
