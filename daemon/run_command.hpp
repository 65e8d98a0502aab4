// `finwait run`: any program's HTTP client, from its command line to one cell.
#pragma once

#include "daemon/plan_arguments.hpp"
#include "web/json/json.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace finwait::daemon {

/// The words as they were typed. An absent word, an empty list: not chosen.
struct run_arguments
{
    plan_arguments plan; ///< its subjects do not count
    std::vector<std::string> command;
    std::optional<std::string> requests;
    std::optional<std::string> hold;
    std::optional<std::string> release_hold;
    std::optional<std::string> settle;      ///< 500ms,8s
    std::optional<std::string> timeout;     ///< 10s
    std::optional<std::string> own_timeout; ///< 1s
    std::vector<std::string> env;           ///< NAME=VALUE
    std::optional<std::string> cwd;
};

/// What a program that nobody chose otherwise is killed at and by.
constexpr std::string_view default_point_of_run = "await_response";
constexpr std::string_view default_method_of_run = "sigint";

/// The cell, without an id. The subject is the command's own name. `path` is the PATH that a name
/// without a slash is looked up in. Throws usage_error: a wrong word, with the nearest right one; a
/// plan that cannot be, with the reason; a command that cannot start, with the cure.
json::plan_line cell_of(const run_arguments& words, std::string_view path);

} // namespace finwait::daemon
