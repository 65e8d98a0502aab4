// `finwait audit` and `finwait probe` on the command line.
#include "daemon/cli_commands.hpp"
#include "daemon/cli_words.hpp"
#include "daemon/commands.hpp"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace finwait::daemon {

namespace {

// The audit that is meant when none is named and nothing chosen.
constexpr const char* default_audit = "default";

// The framings of requests; sizes are the daemon's to choose.
std::vector<std::string> framings_of(const std::optional<std::string>& request)
{
    static constexpr std::array<std::string_view, 3> words{"none", "length", "chunked"};
    auto framings = list(request.value_or(""));
    for (const std::string& each : framings)
        (void)choice("--request with --daemon", each, words, std::array{0, 1, 2});
    return framings;
}

// What the daemon takes is names. Throws usage_error at what is more than that.
web::audit_order order_of(const plan_arguments& words, const std::optional<std::string>& name)
{
    const bool is_more = words.response || words.method || words.position || words.after ||
                         words.to || words.ca || words.tls_min || words.ipv6 || words.unread ||
                         words.blocked;
    if (is_more)
        throw usage_error("--daemon takes --name, or --at, --by, --subject, --request, --target, "
                          "--tls and --repeat; what else there is stands in its configuration");
    web::audit_order order;
    order.at = words.at;
    order.by = words.by;
    order.subjects = words.subject;
    order.framing = framings_of(words.request);
    order.target = words.target;
    order.tls = words.tls;
    order.name = name;
    return order;
}

bool has_choice(const web::audit_order& order)
{
    return !order.at.empty() || !order.by.empty() || !order.subjects.empty() ||
           !order.framing.empty() || order.target || order.tls || order.repeat != 1;
}

} // namespace

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
        bool by_daemon = false;
        std::optional<std::string> name;
        std::string retry;
        place_words where;
    };
    auto* const command =
        app.add_subcommand("audit", "Kill requests at every point, in every way, and judge");
    command->footer(
        "Examples:\n"
        "  finwait audit                                 every possible point and method\n"
        "  finwait audit --at request_body,idle --by close,reset --repeat 5\n"
        "  finwait audit --tls -o json | jq .outcome\n"
        "  finwait audit --junit finwait.xml             for CI; the exit status tells too\n"
        "  finwait audit --daemon --name nightly         the daemon runs it, as configured\n\n"
        "Kills requests in every way at every point and judges what the kernel does with their\n"
        "sockets. --at, --by and --subject take lists: a,b,c.\n"
        "With --daemon the daemon runs it and keeps it, and this command follows it; one like it\n"
        "that runs already is joined.\n"
        "Exit: 0 clean, 1 finding, 2 wrong usage, 3 could not be judged, 74 output could not be\n"
        "written, 75 the daemon cannot be reached or its queue is full, 130 interrupted."
    );
    const auto in = std::make_shared<arguments>();
    in->plans.add_to(*command, subjects::one_or_more);
    in->output.add_to(*command);
    static constexpr const char* group = "By the daemon";
    command->add_flag("--daemon", in->by_daemon, "Have the daemon run it")->group(group);
    command->add_option("--name", in->name, "An audit of its configuration, instead of a choice")
        ->type_name("NAME")
        ->group(group);
    command->add_option("--socket", in->where.socket, "The daemon's Unix socket")
        ->type_name("PATH")
        ->group(group);
    command->add_option("--retry", in->retry, "How often to try again instead of exit status 75")
        ->type_name("N")
        ->group(group);
    command->add_option("--repeat", in->repeat, "How often each cell")->type_name("N");
    command->add_option("--jobs", in->jobs, "Workers in parallel")->type_name("N");
    command->add_option("--in-flight", in->in_flight, "Probes at once in a worker")->type_name("N");
    command->add_option("--junit", in->junit, "Also write JUnit XML")->type_name("FILE");
    command->callback([in, &chosen] {
        if (in->by_daemon) {
            if (!in->jobs.empty() || !in->in_flight.empty())
                throw usage_error("--jobs and --in-flight are in the daemon's configuration");
            daemon_audit_options options{
                .where = in->where,
                .order = order_of(in->plans.understood(), in->name),
                .output = in->output.understood(),
                .junit = in->junit};
            options.order.repeat = static_cast<unsigned>(count("--repeat", in->repeat, 1, 1000));
            if (!in->retry.empty())
                options.retries = static_cast<unsigned>(count("--retry", in->retry, 0, 1000));
            if (in->name && has_choice(options.order))
                throw usage_error("--name: the configuration says what that audit is; without it "
                                  "it can be chosen");
            if (!in->name && !has_choice(options.order))
                options.order.name = default_audit;
            chosen = [options] {
                return run_daemon_audit(options);
            };
            return;
        }
        if (in->name || in->where.socket || !in->retry.empty())
            throw usage_error("--name, --socket and --retry need --daemon");
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
