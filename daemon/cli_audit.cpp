// `finwait audit` and `finwait probe` on the command line.
#include "daemon/cli_commands.hpp"
#include "daemon/cli_words.hpp"
#include "daemon/commands.hpp"

#include <memory>
#include <optional>
#include <string>

namespace finwait::daemon {

void add_audit(CLI::App& app, work& chosen)
{
    struct arguments
    {
        plan_words plans;
        output_words output;
        std::string repeat = "1";
        std::string jobs;
        std::string in_flight;
        std::optional<std::string> junit;
    };
    auto* const command =
        app.add_subcommand("audit", "Kill requests at every point, in every way, and judge");
    command->footer(
        "Examples:\n"
        "  finwait audit                                 every possible point and method\n"
        "  finwait audit --at request_body,idle --by close,reset --repeat 5\n"
        "  finwait audit --tls -o json | jq .outcome\n"
        "  finwait audit --junit finwait.xml             for CI; the exit status tells too\n\n"
        "Kills requests in every way at every point and judges what the kernel does with their\n"
        "sockets. --at, --by and --subject take lists: a,b,c.\n"
        "Exit: 0 clean, 1 finding, 2 wrong usage, 3 could not be judged, 74 output could not be\n"
        "written, 130 interrupted."
    );
    const auto in = std::make_shared<arguments>();
    in->plans.add_to(*command, subjects::one_or_more);
    in->output.add_to(*command);
    command->add_option("--repeat", in->repeat, "How often each cell")->type_name("N");
    command->add_option("--jobs", in->jobs, "Workers in parallel")->type_name("N");
    command->add_option("--in-flight", in->in_flight, "Probes at once in a worker")->type_name("N");
    command->add_option("--junit", in->junit, "Also write JUnit XML")->type_name("FILE");
    command->callback([in, &chosen] {
        const audit_options options{
            .plans = in->plans.understood(),
            .output = in->output.understood(),
            .repeat = static_cast<unsigned>(count("--repeat", in->repeat, 1, 100'000)),
            .jobs =
                in->jobs.empty() ? 0U : static_cast<unsigned>(count("--jobs", in->jobs, 1, 1024)),
            .in_flight = in->in_flight.empty()
                             ? 0U
                             : static_cast<unsigned>(count("--in-flight", in->in_flight, 1, 4096)),
            .junit = in->junit};
        chosen = [options] {
            return run_audit(options);
        };
    });
}

void add_probe(CLI::App& app, work& chosen)
{
    struct arguments
    {
        plan_words plan;
        output_words output;
    };
    auto* const command = app.add_subcommand("probe", "One probe, its timeline and why");
    command->footer(
        "Examples:\n"
        "  finwait probe --at await_response --by sigkill\n"
        "  finwait probe --at response_body --by close --tls --unread\n"
        "  finwait probe --at request_body --by reset --request chunked:1m -o json\n"
        "  finwait probe --at idle --by abandon          a control: it leaks on purpose\n\n"
        "Runs one probe and shows its timeline, its verdict and why.\n"
        "Exit: 0 as expected (a control: caught), 1 finding, 2 wrong usage, 3 could not be "
        "judged,\n"
        "74 output could not be written, 130 interrupted."
    );
    const auto in = std::make_shared<arguments>();
    in->plan.add_to(*command, subjects::one_or_more);
    in->output.add_to(*command);
    command->callback([in, &chosen] {
        const probe_options options{
            .plan = in->plan.understood(), .output = in->output.understood()};
        chosen = [options] {
            return run_probe_command(options);
        };
    });
}

} // namespace finwait::daemon
