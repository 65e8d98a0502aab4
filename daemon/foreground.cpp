#include "daemon/foreground.hpp"

#include "daemon/children.hpp"
#include "daemon/crew_choice.hpp"
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
#include <string>
#include <utility>

#include <unistd.h>

namespace finwait::daemon {

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

exit_code end(exit_code judged, int signal)
{
    finish_output();
    if (signal != 0)
        die_by(signal);
    return judged;
}

outcome_of_cell run_cell(json::plan_line cell, std::vector<not_run> absent)
{
    const plan& asked = cell.plan;
    audit_request request{.absent = std::move(absent)};
    request.by_name = {
        std::string(word(asked.at)),
        std::string(word(asked.by)),
        std::string(word(asked.family)),
        asked.subject.substr(0, asked.subject.find(':'))};
    request.plans.push_back(std::move(cell));
    request.crew = choose_crew(request.plans, 1, 1);
    auto [done, signal] = run_in_foreground(std::move(request), line_output::none);
    if (!done || done->reports.empty())
        return {.done = {}, .signal = signal};
    return {.done = std::move(done->reports.front()), .signal = signal};
}

exit_code show_cell(const outcome_of_cell& came_out, const output_options& output)
{
    if (!came_out.done) {
        complain("interrupted before there was a report");
        return end(exit_code::unjudged, came_out.signal);
    }
    const report& only = *came_out.done;
    if (output.form == output_form::table)
        print(show(only, style_for(output)));
    else
        print(json::dump(only) + "\n");
    return end(exit_of(only), came_out.signal);
}

} // namespace finwait::daemon
