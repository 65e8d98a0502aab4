#include "daemon/run_command.hpp"

#include "daemon/commands.hpp"
#include "daemon/errors.hpp"
#include "daemon/foreground.hpp"
#include "daemon/printable.hpp"
#include "daemon/quantity.hpp"
#include "daemon/startable.hpp"
#include "web/json/client_limits.hpp"
#include "web/json/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

namespace finwait::daemon {

namespace {

// RFC 9110 9.3: methods whose content has no meaning, so that programs send none with them.
bool sends_a_body(std::string_view method)
{
    constexpr std::array<std::string_view, 5> without{"GET", "HEAD", "DELETE", "OPTIONS", "TRACE"};
    return std::find(without.begin(), without.end(), method) == without.end();
}

// The program's own name; not that of the built-in client.
std::string subject_of(const std::string& command)
{
    std::string name = command.substr(command.rfind('/') + 1);
    name = printable(name.substr(0, 128));
    if (name.empty() || name == plan{}.subject)
        return "program " + name;
    return name;
}

std::chrono::milliseconds duration(std::string_view option, std::string_view text)
{
    const auto read = parse_duration(text);
    if (!read)
        throw usage_error(
            fmt::format("{}: {} is no duration; write 500ms or 8s", option, in_quotes(text))
        );
    return *read;
}

std::vector<std::chrono::milliseconds> durations(std::string_view option, std::string_view text)
{
    std::vector<std::chrono::milliseconds> list;
    for (;;) {
        const auto comma = text.find(',');
        list.push_back(duration(option, text.substr(0, comma)));
        if (comma == std::string_view::npos)
            return list;
        text.remove_prefix(comma + 1);
    }
}

std::pair<std::string, std::string> variable(const std::string& text)
{
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
        throw usage_error(fmt::format("--env: {} is not NAME=VALUE", in_quotes(text)));
    return {text.substr(0, equals), text.substr(equals + 1)};
}

plan plan_of(const run_arguments& words)
{
    plan_arguments filled = words.plan;
    if (filled.at.empty())
        filled.at.emplace_back(default_point_of_run);
    if (filled.by.empty())
        filled.by.emplace_back(default_method_of_run);
    // These two points get the body that they need from completed().
    const bool is_filled_in = filled.at.front() == word(kill_point::request_body) ||
                              filled.at.front() == word(kill_point::expect_continue);
    if (filled.method && !filled.request && !is_filled_in && sends_a_body(*filled.method))
        filled.request = "length:64k";
    const auto requests = parse_count(words.requests.value_or("1"), 1, most_requests);
    if (!requests)
        throw usage_error(fmt::format(
            "--requests: {} is no number from 1 to {}", in_quotes(*words.requests), most_requests
        ));
    return one_plan(filled, subject_of(words.command.front()), static_cast<unsigned>(*requests));
}

// The names that the order's members have on the command line.
std::string_view option_of(std::string_view field)
{
    constexpr std::array<std::pair<std::string_view, std::string_view>, 6> names{
        {{"hold", "--hold"},
         {"release_hold", "--release-hold"},
         {"settle_ms", "--settle"},
         {"timeout_ms", "--timeout"},
         {"own_timeout_ms", "--own-timeout"},
         {"cwd", "--cwd"}}};
    const auto found = std::find_if(names.begin(), names.end(), [&](const auto& each) {
        return each.first == field;
    });
    if (found != names.end())
        return found->second;
    return field.starts_with("env") ? "--env" : field;
}

subject::client_order client_of(const run_arguments& words)
{
    subject::client_order client;
    client.command = words.command;
    client.hold = words.hold.value_or("");
    client.release_hold = words.release_hold.value_or("");
    client.directory = words.cwd.value_or("");
    if (words.settle)
        client.settle = durations("--settle", *words.settle);
    if (words.timeout)
        client.timeout = duration("--timeout", *words.timeout);
    if (words.own_timeout)
        client.own_timeout = duration("--own-timeout", *words.own_timeout);
    for (const std::string& text : words.env)
        client.variables.push_back(variable(text));
    if (const auto wrong = json::why_refused(client))
        throw usage_error(fmt::format("{}: {}", option_of(wrong->field), wrong->detail));
    return client;
}

void check_directory(const std::string& directory)
{
    std::error_code failed;
    if (!directory.empty() && !std::filesystem::is_directory(directory, failed))
        throw usage_error(fmt::format(
            "--cwd: {} is no directory{}{}",
            in_quotes(directory),
            failed ? ": " : "",
            failed ? failed.message() : ""
        ));
}

// What was found out only by trying: no format of an executable (ENOEXEC), no right after all.
bool could_not_start(const outcome_of_cell& came_out)
{
    return came_out.done && std::any_of(
                                came_out.done->reasons.begin(),
                                came_out.done->reasons.end(),
                                [](const reason& why) { return why.code == "not_started"; }
                            );
}

} // namespace

json::plan_line cell_of(const run_arguments& words, std::string_view path)
{
    if (words.command.empty() || words.command.front().empty())
        throw usage_error("a command is needed behind --: finwait run -- curl {url}");
    json::plan_line cell{.plan = {}, .id = {}, .client = client_of(words)};
    check_directory(cell.client->directory);
    if (const auto why = why_not_startable(words.command.front(), cell.client->directory, path))
        throw usage_error("the command cannot start: " + *why);
    cell.plan = plan_of(words);
    return cell;
}

exit_code run_program(const run_options& options)
{
    // As execvp(3) has it where there is none.
    const char* const path = std::getenv("PATH");
    auto cell = cell_of(options.words, path != nullptr ? path : "/bin:/usr/bin");
    const auto came_out = run_cell(std::move(cell));
    const exit_code judged = show_cell(came_out, options.output);
    return could_not_start(came_out) ? exit_code::usage : judged;
}

} // namespace finwait::daemon
