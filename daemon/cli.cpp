// The command line as a whole: finds the command, and answers what is none.
#include "daemon/cli.hpp"

#include "daemon/cli_commands.hpp"
#include "daemon/errors.hpp"
#include "daemon/output.hpp"
#include "web/json/nearest.hpp"

#include <CLI/CLI.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
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
    std::string make_usage(const CLI::App* app, std::string name) const override
    {
        auto usage = CLI::Formatter::make_usage(app, std::move(name));
        if (app->get_name() == "run") // what goes behind -- is no option of ours
            usage.insert(usage.find_last_not_of('\n') + 1, " -- CMD [ARG...]");
        return usage;
    }
};

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
    if (command.get_name() == "run")
        return fmt::format(
            "{} was not expected; the command goes behind --: finwait run -- {} …",
            in_quotes(wrong),
            wrong
        );
    return fmt::format("{} was not expected", in_quotes(wrong));
}

// What stands behind the first `--` of `finwait run` is another program's, whatever it looks like.
std::pair<int, std::vector<std::string>> split(int argc, const char* const* argv)
{
    const std::vector<std::string_view> all(argv, argv + argc);
    if (argc < 2 || all[1] != "run")
        return {argc, {}};
    const auto dashes = std::find(all.begin() + 2, all.end(), "--");
    std::vector<std::string> command;
    if (dashes != all.end())
        command.assign(dashes + 1, all.end());
    return {static_cast<int>(dashes - all.begin()), std::move(command)};
}

int run(int argc, const char* const* argv)
{
    work chosen;
    const auto [own, command] = split(argc, argv);
    CLI::App app("", "finwait");
    app.footer(
        "Examples:\n"
        "  finwait audit                                 every kill, every point: what leaks?\n"
        "  finwait probe --at await_response --by sigkill   one of them, and why\n"
        "  finwait run -- curl {url}                     another program's client\n"
        "  finwait serve                                 audits regularly, serves them as JSON\n"
        "  finwait status                                asks that daemon\n\n"
        "When an HTTP request dies half way, what does the kernel do with its socket?"
    );
    app.formatter(std::make_shared<examples_first>());
    app.set_version_flag("--version", std::string("finwait ") + FINWAIT_VERSION);
    app.require_subcommand(0, 1);
    add_audit(app, chosen);
    add_probe(app, chosen);
    add_run(app, command, chosen);
    add_serve(app, chosen);
    add_status(app, chosen);
    add_history(app, chosen);
    add_worker(app, chosen);
    try {
        app.parse(own, argv);
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
