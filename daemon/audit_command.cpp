// `finwait audit` and `finwait probe`.
#include "daemon/audit_view.hpp"
#include "daemon/commands.hpp"
#include "daemon/crew_choice.hpp"
#include "daemon/errors.hpp"
#include "daemon/foreground.hpp"
#include "daemon/junit.hpp"
#include "daemon/output.hpp"
#include "daemon/recipe_shelf.hpp"
#include "daemon/subjects.hpp"
#include "daemon/tally.hpp"
#include "web/json/json.hpp"

#include <fmt/format.h>

#include <utility>

namespace finwait::daemon {

exit_code run_audit(const audit_options& options)
{
    auto chosen = choose_cells(options.plans, recipe_shelf(recipe_directories()));
    for (const not_run& each : chosen.absent)
        complain(fmt::format("{} is skipped: {}; cure: {}", each.what, each.reason, each.cure));
    audit_request request{
        .plans = std::move(chosen.cells),
        .repeat = options.repeat,
        .by_name = std::move(chosen.by_name),
        .absent = std::move(chosen.absent)};
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
    auto chosen = choose_cell(options.plan, recipe_shelf(recipe_directories()));
    return show_cell(
        run_cell(std::move(chosen.cells.front()), std::move(chosen.absent)), options.output
    );
}

} // namespace finwait::daemon
