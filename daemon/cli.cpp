// The only source that includes CLI11, which takes longer to compile than the rest of the folder.
#include "daemon/cli.hpp"

#include "daemon/commands.hpp"
#include "daemon/errors.hpp"
#include "daemon/output.hpp"
#include "daemon/quantity.hpp"
#include "daemon/worker_loop.hpp"
#include "web/json/nearest.hpp"

#include <CLI/CLI.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>

#include <charconv>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace finwait::daemon {

namespace {

// What people look for in a help is an example: the text that CLI11 puts last comes first.
class examples_first : public CLI::Formatter
{
public:
    std::string make_description(const CLI::App* app) const override
    {
        return app->get_footer() + "\n\n";
    }
    std::string make_footer(const CLI::App*) const override { return {}; }
};

using work = std::function<exit_code()>;

std::uint64_t
count(std::string_view option, const std::string& text, std::uint64_t least, std::uint64_t most)
{
    std::uint64_t number = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, number);
    if (error != std::errc{} || end != last || number < least || number > most)
        throw usage_error(
            fmt::format("{}: {} is no number from {} to {}", option, in_quotes(text), least, most)
        );
    return number;
}

std::chrono::milliseconds duration(std::string_view option, const std::string& text)
{
    const auto read = parse_duration(text);
    if (!read)
        throw usage_error(
            fmt::format("{}: {} is no duration; write 500ms, 8s, 5m or 1h", option, in_quotes(text))
        );
    return *read;
}

template <class Value, std::size_t Size>
Value choice(
    std::string_view option,
    const std::string& text,
    const std::array<std::string_view, Size>& words,
    const std::array<Value, Size>& values
)
{
    for (std::size_t i = 0; i < Size; ++i)
        if (words[i] == text)
            return values[i];
    throw usage_error(
        fmt::format("{}: unknown word {}: {}", option, in_quotes(text), suggestion(text, words))
    );
}

// Words as typed; understood when the whole line is read, so that help never fails on them.
struct output_words
{
    std::string form = "table";
    std::string color = "auto";

    void add_to(CLI::App& to)
    {
        to.add_option("-o,--output", form, "table, json or ndjson")->type_name("FORM");
        to.add_option("--color", color, "auto, always or never")->type_name("WHEN");
    }

    output_options understood() const
    {
        static constexpr std::array<std::string_view, 3> forms{"table", "json", "ndjson"};
        static constexpr std::array<std::string_view, 3> colors{"auto", "always", "never"};
        static constexpr std::array form_values{
            output_form::table, output_form::json, output_form::ndjson};
        static constexpr std::array color_values{
            color_choice::automatic, color_choice::always, color_choice::never};
        return {
            .form = choice("--output", form, forms, form_values),
            .color = choice("--color", color, colors, color_values)};
    }
};

std::vector<std::string> list(const std::string& text)
{
    return text.empty() ? std::vector<std::string>() : CLI::detail::split(text, ',');
}

struct plan_words
{
    plan_arguments words;
    std::string at;
    std::string by;
    std::string subject;

    void add_to(CLI::App& to)
    {
        static constexpr const char* group = "What to probe";
        const auto text = [&](const char* name, auto& into, const char* type, const char* help) {
            to.add_option(name, into, help)->type_name(type)->group(group);
        };
        const auto flag = [&](const char* name, bool& into, const char* help) {
            to.add_flag(name, into, help)->group(group);
        };
        text("--at", at, "POINT", "Where in the exchange it dies");
        text("--by", by, "METHOD", "How it dies");
        text("--subject", subject, "NAME", "Whose client: beast");
        text("--request", words.request, "BODY", "none, length:SIZE or chunked:SIZE");
        text("--response", words.response, "BODY", "length:SIZE, chunked:SIZE, until_close:SIZE");
        text("--method", words.method, "M", "Request method");
        text("--target", words.target, "URL", "A server of your own instead of the lab's origin");
        text("--position", words.position, "F", "How far through the body to die, 0 to 1");
        text(
            "--after",
            words.after,
            "ACTION",
            "What the origin does then: close, answer, reset, stall"
        );
        text("--to", words.to, "WHO", "Who gets a signal: leader or group");
        flag("--tls", words.tls, "HTTPS");
        flag("--ipv6", words.ipv6, "Over [::1]");
        flag("--unread", words.unread, "Leave received bytes unread");
        flag("--blocked", words.blocked, "request_body: behind a full receive window");
    }

    plan_arguments understood()
    {
        words.at = list(at);
        words.by = list(by);
        words.subject = list(subject);
        return words;
    }
};

// Each of these adds one command; `chosen` becomes what it does.

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
    in->plans.add_to(*command);
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
    in->plan.add_to(*command);
    in->output.add_to(*command);
    command->callback([in, &chosen] {
        const probe_options options{
            .plan = in->plan.understood(), .output = in->output.understood()};
        chosen = [options] {
            return run_probe_command(options);
        };
    });
}

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
    command->footer("Examples:\n"
                    "  finwait status\n"
                    "  finwait status --wait-for pass --timeout 2m\n"
                    "  finwait status -o json | jq .open_findings\n\n"
                    "Asks the daemon how it is.\n"
                    "Exit: 0 status pass, 1 status warn or fail (open findings), 2 wrong usage,\n"
                    "74 output could not be written, 75 the daemon cannot be reached.");
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

void add_worker(CLI::App& app, work& chosen)
{
    struct arguments
    {
        std::string in_flight = "64";
        std::string child_of;
        bool shared = false;
        bool host = false;
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
    command->add_option("--child-of", in->child_of, "")->group(""); // for our own use
    command->callback([in, &chosen] {
        worker_settings how{
            .where = in->host ? lab::wanted::host : lab::wanted::namespaces,
            .how = in->shared ? isolation::shared : isolation::each,
            .in_flight = static_cast<unsigned>(count("--in-flight", in->in_flight, 1, 4096)),
            .first = in->environment ? announce::environment : announce::nothing};
        if (!in->child_of.empty())
            how.parent = static_cast<pid_t>(
                count("--child-of", in->child_of, 1, std::numeric_limits<pid_t>::max())
            );
        chosen = [how] {
            return run_worker(how);
        };
    });
}

std::vector<std::string> names_of_commands(const CLI::App& app)
{
    std::vector<std::string> names;
    for (const CLI::App* each : app.get_subcommands([](const CLI::App*) { return true; }))
        names.push_back(each->get_name());
    return names;
}

std::vector<std::string> names_of_options(const CLI::App& command)
{
    std::vector<std::string> names;
    for (const CLI::Option* each : command.get_options())
        if (!each->get_group().empty()) // "" hides
            for (const std::string& name : each->get_lnames())
                names.push_back("--" + name);
    return names;
}

std::string nearest_of(const std::string& wrong, const std::vector<std::string>& right)
{
    const std::vector<std::string_view> words(right.begin(), right.end());
    return suggestion(wrong, words);
}

// CLI11 says what was not expected, but not what would be.
std::string what_was_meant(const CLI::App& app, const CLI::ParseError& error)
{
    const auto used = app.get_subcommands();
    const auto left = app.remaining(/*recurse=*/true);
    if (used.empty() && left.empty())
        return fmt::format("a command is needed: {}", fmt::join(names_of_commands(app), ", "));
    if (left.empty() || error.get_exit_code() != static_cast<int>(CLI::ExitCodes::ExtrasError))
        return error.what();
    const std::string& wrong = left.front();
    const std::string name = wrong.substr(0, wrong.find('='));
    if (used.empty() && !wrong.starts_with("-"))
        return fmt::format(
            "unknown command {}: {}", in_quotes(wrong), nearest_of(wrong, names_of_commands(app))
        );
    const CLI::App& command = used.empty() ? app : *used.front();
    if (name.starts_with("--"))
        return fmt::format(
            "unknown option {}: {}", in_quotes(name), nearest_of(name, names_of_options(command))
        );
    return fmt::format("{} was not expected", in_quotes(wrong));
}

int run(int argc, const char* const* argv)
{
    work chosen;
    CLI::App app("", "finwait");
    app.footer(
        "Examples:\n"
        "  finwait audit                                 every kill, every point: what leaks?\n"
        "  finwait probe --at await_response --by sigkill   one of them, and why\n"
        "  finwait serve                                 audits regularly, serves them as JSON\n"
        "  finwait status                                asks that daemon\n\n"
        "When an HTTP request dies half way, what does the kernel do with its socket?"
    );
    app.formatter(std::make_shared<examples_first>());
    app.set_version_flag("--version", std::string("finwait ") + FINWAIT_VERSION);
    app.require_subcommand(0, 1);
    add_audit(app, chosen);
    add_probe(app, chosen);
    add_serve(app, chosen);
    add_status(app, chosen);
    add_worker(app, chosen);
    try {
        app.parse(argc, argv);
        if (!chosen)
            throw usage_error("a command is needed\n\n" + app.help());
    } catch (const CLI::CallForHelp&) {
        print(app.help());
        finish_output();
        return static_cast<int>(exit_code::clean);
    } catch (const CLI::CallForVersion& version) {
        print(std::string(version.what()) + "\n");
        finish_output();
        return static_cast<int>(exit_code::clean);
    } catch (const CLI::ParseError& error) {
        throw usage_error(what_was_meant(app, error));
    }
    return static_cast<int>(chosen());
}

} // namespace

int run_command_line(int argc, const char* const* argv)
{
    occupy_standard_descriptors();
    try {
        return run(argc, argv);
    } catch (const usage_error& error) {
        complain(error.what());
        return static_cast<int>(exit_code::usage);
    } catch (const output_error& error) {
        complain(error.what());
        return static_cast<int>(exit_code::output);
    } catch (const boost::system::system_error& error) {
        // Thrown by Asio's constructors, of which no result can be had.
        const bool is_limit = error.code() == boost::system::errc::too_many_files_open;
        complain(fmt::format(
            "cannot go on: {}{}",
            error.what(),
            is_limit ? "; raise the limit on open files (ulimit -n)" : ""
        ));
        return static_cast<int>(exit_code::unjudged);
    } catch (const std::exception& error) {
        complain(fmt::format("internal error: {}", error.what()));
        return static_cast<int>(exit_code::unjudged);
    }
}

} // namespace finwait::daemon
