// `finwait serve` and `finwait status` on the command line.
#include "daemon/cli_commands.hpp"
#include "daemon/cli_words.hpp"
#include "daemon/commands.hpp"
#include "daemon/errors.hpp"

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace finwait::daemon {

void add_serve(CLI::App& app, work& chosen)
{
    struct arguments
    {
        std::string listen = serve_options().listen;
        std::string every = "1h";
        output_words output;
    };
    auto* const command =
        app.add_subcommand("serve", "The daemon: audits regularly, answers as JSON");
    command->footer("Examples:\n"
                    "  finwait serve\n"
                    "  finwait serve --listen 127.0.0.1:9900 --every 10m\n"
                    "  curl http://127.0.0.1:9793/api/v1/status\n\n"
                    "The daemon: an audit at start and then regularly, served as JSON.\n"
                    "Ends at once on SIGTERM and SIGINT, with 0.");
    const auto in = std::make_shared<arguments>();
    command->add_option("--listen", in->listen, "Loopback address and port")
        ->type_name("ADDR:PORT")
        ->capture_default_str();
    command->add_option("--every", in->every, "From the end of an audit to the next")
        ->type_name("T")
        ->capture_default_str();
    command->add_option("--color", in->output.color, "auto, always or never")->type_name("WHEN");
    command->callback([in, &chosen] {
        const serve_options options{
            .listen = in->listen,
            .every = duration("--every", in->every),
            .output = in->output.understood()};
        if (options.every < std::chrono::seconds(1))
            throw usage_error("--every: at least 1s");
        chosen = [options] {
            return run_serve(options);
        };
    });
}

void add_status(CLI::App& app, work& chosen)
{
    struct arguments
    {
        std::string url = status_options().url;
        output_words output;
        std::optional<std::string> wait_for;
        std::string timeout = "60s";
    };
    auto* const command = app.add_subcommand("status", "Ask the daemon how it is");
    command->footer(
        "Examples:\n"
        "  finwait status\n"
        "  finwait status --wait-for pass --timeout 2m\n"
        "  finwait status -o json | jq .open_findings\n\n"
        "Asks the daemon how it is.\n"
        "Exit: 0 status pass, 1 open findings, 2 wrong usage, 3 nothing judged yet or not\n"
        "all of it, 74 output could not be written, 75 the daemon cannot be reached."
    );
    const auto in = std::make_shared<arguments>();
    command->add_option("--url", in->url, "Where the daemon listens")
        ->type_name("URL")
        ->capture_default_str();
    command->add_option("--wait-for", in->wait_for, "Wait for this status: pass")
        ->type_name("WORD");
    command->add_option("--timeout", in->timeout, "How long to wait")
        ->type_name("T")
        ->capture_default_str();
    in->output.add_to(*command);
    command->callback([in, &chosen] {
        const status_options options{
            .url = in->url,
            .output = in->output.understood(),
            .wait_for = in->wait_for,
            .timeout = duration("--timeout", in->timeout)};
        static constexpr std::array<std::string_view, 1> states{"pass"};
        if (options.wait_for)
            (void)choice("--wait-for", *options.wait_for, states, std::array{0});
        chosen = [options] {
            return run_status(options);
        };
    });
}

} // namespace finwait::daemon
