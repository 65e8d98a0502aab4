#include "web/json/client_limits.hpp"

#include "probe/subject/line_pattern.hpp"
#include "web/json/nearest.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <string_view>

namespace finwait::json {

namespace {

using answer = std::optional<parse_error>;

// As strict as what will be asked to write it.
bool is_utf8(std::string_view text)
{
    try {
        (void)nlohmann::json(text).dump();
        return true;
    } catch (const nlohmann::json::type_error&) {
        return false;
    }
}

answer check_text(std::string field, std::string_view text, std::size_t longest)
{
    if (text.size() > longest)
        return parse_error{std::move(field), fmt::format("must have at most {} bytes", longest)};
    if (text.find('\0') != std::string_view::npos)
        return parse_error{std::move(field), "must not have a zero byte"};
    if (!is_utf8(text))
        return parse_error{std::move(field), "must be UTF-8"};
    return {};
}

answer check_arguments(const std::string& field, const std::vector<std::string>& command)
{
    if (command.empty() || command.size() > most_arguments)
        return parse_error{
            field, fmt::format("must be a program and at most {} arguments", most_arguments - 1)};
    for (std::size_t i = 0; i < command.size(); ++i)
        if (auto wrong =
                check_text(fmt::format("{}[{}]", field, i), command[i], longest_argument_bytes))
            return wrong;
    if (command.front().empty())
        return parse_error{field + "[0]", "must be a program's name or path"};
    return {};
}

answer check_command(const subject::client_order& what)
{
    return check_arguments("command", what.command);
}

answer check_successes(const subject::client_order& what)
{
    if (what.success_requests < 1 || what.success_requests > most_requests)
        return parse_error{"success_requests", fmt::format("must be from 1 to {}", most_requests)};
    if (what.success_command.empty())
        return {};
    if (!what.is_driver)
        return parse_error{"success_command", "is for a driver alone"};
    return check_arguments("success_command", what.success_command);
}

answer check_variables(const subject::client_order& what)
{
    if (what.variables.size() > most_variables)
        return parse_error{"env", fmt::format("must have at most {} variables", most_variables)};
    for (const auto& [name, text] : what.variables) {
        auto field = "env." + name;
        if (name.empty() || name.find('=') != std::string::npos)
            return parse_error{"env", fmt::format("{} is no name of a variable", in_quotes(name))};
        if (auto wrong = check_text("env", name, longest_argument_bytes))
            return wrong;
        if (auto wrong = check_text(std::move(field), text, longest_argument_bytes))
            return wrong;
    }
    return {};
}

answer check_sum(const subject::client_order& what)
{
    std::size_t bytes = 0;
    for (const auto* const command : {&what.command, &what.success_command})
        for (const auto& argument : *command)
            bytes += argument.size() + 1;
    for (const auto& [name, text] : what.variables)
        bytes += name.size() + text.size() + 2;
    if (bytes > most_client_bytes)
        return parse_error{
            "command",
            fmt::format("must have, with env, at most {} bytes in all", most_client_bytes)};
    return {};
}

answer check_hold(const subject::client_order& what)
{
    if (auto wrong = check_text("hold", what.hold, longest_hold_bytes))
        return wrong;
    if (auto wrong = check_text("release_hold", what.release_hold, longest_release_bytes))
        return wrong;
    if (const auto why = subject::why_no_pattern(what.hold))
        return parse_error{
            "hold",
            fmt::format("{} is no regular expression of RE2: {}", in_quotes(what.hold), *why)};
    return {};
}

answer check_times(const subject::client_order& what)
{
    const auto limit = longest_wait.count();
    if (what.settle.empty() || what.settle.size() > most_looks)
        return parse_error{"settle_ms", fmt::format("must be 1 to {} times", most_looks)};
    if (what.settle.front().count() < 0 || what.settle.back() > longest_wait)
        return parse_error{"settle_ms", fmt::format("must be times from 0 to {} ms", limit)};
    if (std::adjacent_find(what.settle.begin(), what.settle.end(), std::greater_equal<>()) !=
        what.settle.end())
        return parse_error{"settle_ms", "must ascend"};
    const auto is_wait = [](std::chrono::milliseconds time) {
        return time.count() >= 1 && time <= longest_wait;
    };
    if (!is_wait(what.timeout))
        return parse_error{"timeout_ms", fmt::format("must be from 1 to {} ms", limit)};
    if (!is_wait(what.own_timeout))
        return parse_error{"own_timeout_ms", fmt::format("must be from 1 to {} ms", limit)};
    return {};
}

} // namespace

std::optional<parse_error> why_refused(const subject::client_order& what)
{
    for (const auto rule :
         {check_command, check_successes, check_variables, check_sum, check_hold, check_times})
        if (auto wrong = rule(what))
            return wrong;
    if (auto wrong = check_text("cwd", what.directory, /*longest=*/4096))
        return wrong;
    if (what.baseline.value_or(0) > largest_baseline)
        return parse_error{"baseline", fmt::format("must be at most {}", largest_baseline)};
    return {};
}

} // namespace finwait::json
