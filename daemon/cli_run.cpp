// `finwait run` on the command line.
#include "daemon/cli_commands.hpp"
#include "daemon/cli_words.hpp"
#include "daemon/commands.hpp"

#include <memory>
#include <string>
#include <vector>

namespace finwait::daemon {

namespace {

constexpr const char* examples =
    "Examples:\n"
    "  finwait run -- curl -s {url}                  Ctrl-C while it waits for the answer\n"
    "  finwait run --at response_body --by sigkill -- wget -qO- {url}\n"
    "  finwait run --by own --own-timeout 2s -- curl -s --max-time 2 {url}\n"
    "  finwait run --tls -- curl -s {url}            the origin's certificate is handed to it\n"
    "  finwait run --by own --method POST --request chunked:8m --at request_body -- \\\n"
    "      curl -sm 1 -H 'Transfer-Encoding: chunked' --data-binary @{body_file} {url}\n"
    "  finwait run --by sigint --hold '^done$' -n 3 -- python3 my_client.py {url}\n\n"
    "Starts a program, holds its HTTP request still at a point, kills it, and shows what became "
    "of\n"
    "its sockets. Replaced in its arguments: {url} {host} {port} {method} {framing} {body_bytes}\n"
    "{body_file} {timeout_ms} {ca_file}; a program may also take FINWAIT_URL from its "
    "environment.\n"
    "With --tls the usual variables (SSL_CERT_FILE, CURL_CA_BUNDLE, REQUESTS_CA_BUNDLE,\n"
    "NODE_EXTRA_CA_CERTS) and {ca_file} name a file with the origin's certificate.\n"
    "--method, --request and --response tell what it is going to send and to get.\n"
    "Exit: 0 as expected, 1 finding, 2 wrong usage or a command that cannot start, 3 could not be\n"
    "judged, 74 output could not be written, 130 interrupted.";

void add_options(CLI::App& to, run_arguments& words)
{
    static constexpr const char* group = "The program";
    const auto text = [&](const char* name, auto& into, const char* type, const char* help) {
        to.add_option(name, into, help)->type_name(type)->group(group);
    };
    text("-n,--requests", words.requests, "N", "Requests that it makes; 1");
    text("--hold", words.hold, "REGEX", "The line with which it says: my cleanup is done");
    text("--release-hold", words.release_hold, "TEXT", "The line it is sent to go on after that");
    text("--settle", words.settle, "T,..", "When one that lives on is looked at; 500ms,8s");
    text("--timeout", words.timeout, "T", "For its requests to arrive and stall; 10s");
    text("--own-timeout", words.own_timeout, "T", "{timeout_ms}: the program's own timeout; 1s");
    text("--cwd", words.cwd, "DIR", "The directory to start it in");
    to.add_option("--env", words.env, "A variable of its environment; more than once")
        ->type_name("NAME=VALUE")
        ->group(group)
        ->allow_extra_args(false);
}

} // namespace

void add_run(CLI::App& app, const std::vector<std::string>& command, work& chosen)
{
    struct arguments
    {
        plan_words plan;
        run_arguments words;
        output_words output;
    };
    auto* const added = app.add_subcommand("run", "Kill another program's HTTP request, and judge");
    added->footer(examples);
    const auto in = std::make_shared<arguments>();
    in->words.command = command;
    in->plan.add_to(*added, subjects::none);
    add_options(*added, in->words);
    in->output.add_to(*added);
    added->callback([in, &chosen] {
        run_options options{.words = in->words, .output = in->output.understood()};
        options.words.plan = in->plan.understood();
        chosen = [options] {
            return run_program(options);
        };
    });
}

} // namespace finwait::daemon
