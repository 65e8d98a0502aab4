// `finwait worker` on the command line.
#include "daemon/cli_commands.hpp"
#include "daemon/cli_words.hpp"
#include "daemon/commands.hpp"
#include "daemon/worker_loop.hpp"

#include <limits>
#include <memory>
#include <string>

namespace finwait::daemon {

void add_worker(CLI::App& app, work& chosen)
{
    struct arguments
    {
        std::string in_flight = "64";
        std::string child_of;
        std::string targets;
        bool shared = false;
        bool host = false;
        bool courteous = false;
        bool environment = false;
    };
    auto* const command = app.add_subcommand("worker", "Plans in, reports out");
    command->footer(
        "Examples:\n"
        "  echo '{\"at\":\"idle\",\"by\":\"close\"}' | finwait worker\n"
        "  finwait worker --in-flight 256 --shared < plans.ndjson > reports.ndjson\n\n"
        "Plans in, reports out, as NDJSON, in the order they finish. A line that is no plan gives\n"
        "an error object. Ends when its input ends and at once when nobody reads its output."
    );
    const auto in = std::make_shared<arguments>();
    command->add_option("--in-flight", in->in_flight, "Probes at once")
        ->type_name("N")
        ->capture_default_str();
    command->add_flag("--shared", in->shared, "One namespace for all: faster, without counters");
    command->add_flag("--host", in->host, "In the host's own network");
    command->add_flag("--environment", in->environment, "First say what can be done here");
    command->add_flag("--courteous", in->courteous, "")->group(""); // for our own use
    command->add_option("--targets", in->targets, "")->group("");   // for our own use
    command->add_option("--child-of", in->child_of, "")->group(""); // for our own use
    command->callback([in, &chosen] {
        worker_settings how{
            .where = in->host ? lab::wanted::host : lab::wanted::namespaces,
            .how = in->shared ? isolation::shared : isolation::each,
            .in_flight = static_cast<unsigned>(count("--in-flight", in->in_flight, 1, 4096)),
            .first = in->environment ? announce::environment : announce::nothing,
            .is_courteous = in->courteous};
        if (!in->child_of.empty())
            how.parent = static_cast<pid_t>(
                count("--child-of", in->child_of, 1, std::numeric_limits<pid_t>::max())
            );
        if (!in->targets.empty()) {
            how.targets = parse_address_policy(in->targets);
            if (!how.targets)
                throw usage_error("--targets: write global, loopback, private or loopback,private");
        }
        chosen = [how] {
            return run_worker(how);
        };
    });
}

} // namespace finwait::daemon
