// `finwait serve` on the command line.
#include "daemon/cli_commands.hpp"
#include "daemon/cli_words.hpp"
#include "daemon/commands.hpp"
#include "daemon/errors.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace finwait::daemon {

namespace {

struct arguments
{
    std::optional<std::string> config;
    std::optional<std::string> listen;
    std::optional<std::string> every;
    bool check_config = false;
    bool print_config = false;
    output_words output;
};

serve_options understood(const arguments& in)
{
    serve_options out{
        .config = in.config, .listen = in.listen, .every = {}, .output = in.output.understood()};
    if (in.every)
        out.every = duration("--every", *in.every);
    if (out.every && *out.every < std::chrono::seconds(1))
        throw usage_error("--every: at least 1s");
    if (in.check_config && in.print_config)
        throw usage_error("--check-config and --print-config: one of them");
    if (in.check_config)
        out.task = serve_task::check_config;
    else if (in.print_config)
        out.task = serve_task::print_config;
    return out;
}

} // namespace

void add_serve(CLI::App& app, work& chosen)
{
    auto* const command =
        app.add_subcommand("serve", "The daemon: audits regularly, answers as JSON");
    command->footer(
        "Examples:\n"
        "  finwait serve\n"
        "  finwait serve --listen 127.0.0.1:9900 --every 10m\n"
        "  finwait serve --check-config\n"
        "  curl http://127.0.0.1:9793/api/v1/status\n\n"
        "The daemon: audits at their times, the default one every hour, served as JSON on a Unix\n"
        "socket and, for reading alone, over TCP. Configured by /etc/finwait/finwait.toml and\n"
        "conf.d/*.toml beside it; SIGHUP reads them again. Ends at once on SIGTERM and SIGINT,\n"
        "with 0; with 2 when it cannot start as it is configured."
    );
    const auto in = std::make_shared<arguments>();
    command->add_option("--config", in->config, "Instead of /etc/finwait/finwait.toml")
        ->type_name("FILE");
    command->add_flag("--check-config", in->check_config, "Say what is wrong with it, and end");
    command->add_flag("--print-config", in->print_config, "Print what is in force, and end");
    command->add_option("--listen", in->listen, "Loopback address and port, instead of serve.tcp")
        ->type_name("ADDR:PORT");
    command
        ->add_option(
            "--every",
            in->every,
            "From the end of the default audit to its next, instead of its times"
        )
        ->type_name("T");
    command->add_option("--color", in->output.color, "auto, always or never")->type_name("WHEN");
    command->callback([in, &chosen] {
        chosen = [options = understood(*in)] {
            return run_serve(options);
        };
    });
}

} // namespace finwait::daemon
