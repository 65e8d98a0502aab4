// `finwait status` on the command line.
#include "daemon/cli_commands.hpp"
#include "daemon/cli_words.hpp"
#include "daemon/commands.hpp"
#include "daemon/errors.hpp"

#include <array>
#include <memory>
#include <optional>
#include <string>

namespace finwait::daemon {

void add_status(CLI::App& app, work& chosen)
{
    struct arguments
    {
        place_words where;
        output_words output;
        std::optional<std::string> wait_for;
        std::string timeout = "60s";
        bool watch = false;
    };
    auto* const command = app.add_subcommand("status", "Ask the daemon how it is");
    command->footer(
        "Examples:\n"
        "  finwait status\n"
        "  finwait status --watch                        again whenever it changes\n"
        "  finwait status --wait-for pass --timeout 2m\n"
        "  finwait status -o json | jq .open_findings\n\n"
        "Asks the daemon how it is: over its Unix socket where one is that you may use, else at\n"
        "http://127.0.0.1:9793.\n"
        "Exit: 0 status pass, 1 there are findings, 2 wrong usage, 3 nothing judged yet or not\n"
        "all of it, 74 output could not be written, 75 the daemon cannot be reached."
    );
    const auto in = std::make_shared<arguments>();
    command->add_option("--socket", in->where.socket, "The daemon's Unix socket")
        ->type_name("PATH");
    command->add_option("--url", in->where.url, "Where the daemon listens")->type_name("URL");
    command->add_option("--wait-for", in->wait_for, "Wait for this status: pass")
        ->type_name("WORD");
    command->add_option("--timeout", in->timeout, "How long to wait")
        ->type_name("T")
        ->capture_default_str();
    command->add_flag("--watch", in->watch, "Print it again whenever it changes");
    in->output.add_to(*command);
    command->callback([in, &chosen] {
        const status_options options{
            .where = in->where,
            .output = in->output.understood(),
            .wait_for = in->wait_for,
            .timeout = duration("--timeout", in->timeout),
            .watch = in->watch ? watching::changes : watching::once};
        static constexpr std::array<std::string_view, 1> states{"pass"};
        if (options.wait_for)
            (void)choice("--wait-for", *options.wait_for, states, std::array{0});
        if (options.wait_for && in->watch)
            throw usage_error("--watch and --wait-for: one of them");
        chosen = [options] {
            return run_status(options);
        };
    });
}

} // namespace finwait::daemon
