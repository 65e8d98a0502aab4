// `finwait audit` and `finwait probe`: what runs in the foreground and ends.
#include "daemon/audit_run.hpp"
#include "daemon/audit_view.hpp"
#include "daemon/children.hpp"
#include "daemon/commands.hpp"
#include "daemon/crew_choice.hpp"
#include "daemon/errors.hpp"
#include "daemon/junit.hpp"
#include "daemon/output.hpp"
#include "daemon/probe_view.hpp"
#include "daemon/process_setup.hpp"
#include "daemon/progress.hpp"
#include "daemon/tally.hpp"
#include "web/json/json.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <unistd.h>

namespace finwait::daemon {

namespace {

// What came of an audit in the foreground.
struct outcome_of_run
{
    std::optional<audit> done;
    int signal = 0; ///< that interrupted it
};

enum class line_output { none, each_report };

// Runs one audit to its end, or until a signal.
outcome_of_run run_in_foreground(audit_request request, line_output lines)
{
    become_subreaper();
    ignore_broken_pipes();
    raise_descriptor_limit();
    outcome_of_run result;
    progress shown;
    net::io_context io(1);
    std::unique_ptr<audit_run> run;
    net::signal_set signals(io, SIGTERM);
    for (const int number : {SIGINT, SIGHUP})
        if (!is_ignored(number))
            signals.add(number);
    signals.async_wait([&](const boost::system::error_code& ec, int number) {
        if (ec || !run)
            return;
        result = {.done = run->interrupt(), .signal = number};
        io.stop();
    });
    run = audit_run::start(
        io,
        std::move(request),
        {.planned = [&](std::size_t cells) { shown.expect(cells); },
         .reported =
             [&](const report&, std::string_view line) {
                 if (lines == line_output::each_report)
                     print(std::string(line) + "\n");
                 shown.advance();
             },
         .noted =
             [&](const std::string& text) {
                 shown.clear();
                 complain(text);
             },
         .finished =
             [&](audit done) {
                 result.done = std::move(done);
                 io.stop();
             }}
    );
    io.run();
    return result;
}

table_style style_for(const output_options& output)
{
    return {
        .width = width_of(STDOUT_FILENO),
        .use_color = decide(output.color, facts_of(STDOUT_FILENO))};
}

// Prints first and ends by the signal after, as a shell expects of an interrupted command.
exit_code end(exit_code judged, int signal)
{
    finish_output();
    if (signal != 0)
        die_by(signal);
    return judged;
}

} // namespace

exit_code run_audit(const audit_options& options)
{
    audit_request request{
        .plans = all_plans(options.plans),
        .repeat = options.repeat,
        .by_name = chosen_by_name(options.plans)};
    request.crew = choose_crew(request.plans, options.jobs, options.in_flight);
    const bool by_line = options.output.form == output_form::ndjson;
    const auto [done, signal] = run_in_foreground(
        std::move(request), by_line ? line_output::each_report : line_output::none
    );
    if (!done)
        return exit_code::unjudged; // cannot happen: run() ends with an audit or with a signal
    if (options.output.form == output_form::table)
        print(show(*done, style_for(options.output)));
    else if (options.output.form == output_form::json)
        print(json::dump(*done) + "\n");
    if (by_line)
        complain(summary_line(*done));
    if (options.junit)
        write_file(*options.junit, junit(*done));
    return end(exit_of(*done), signal);
}

exit_code run_probe_command(const probe_options& options)
{
    audit_request request{.plans = {one_plan(options.plan)}};
    request.by_name = {
        std::string(word(request.plans.front().at)),
        std::string(word(request.plans.front().by)),
        std::string(word(request.plans.front().family))};
    request.crew = choose_crew(request.plans, 1, 1);
    const auto [done, signal] = run_in_foreground(std::move(request), line_output::none);
    if (!done || done->reports.empty()) {
        complain("interrupted before there was a report");
        return end(exit_code::unjudged, signal);
    }
    const report& only = done->reports.front();
    if (options.output.form == output_form::table)
        print(show(only, style_for(options.output)));
    else
        print(json::dump(only) + "\n");
    return end(exit_of(only), signal);
}

} // namespace finwait::daemon
