#include "daemon/reloading.hpp"

#include <fmt/format.h>

#include <exception>
#include <utility>

namespace finwait::daemon {

configuration taken_over(configuration wanted, const configuration& running)
{
    for (const std::string& each : needs_restart(running, wanted))
        wanted.warnings.push_back(fmt::format("{} has changed: it needs a restart", each));
    wanted.serve = running.serve;
    wanted.history.path = running.history.path;
    wanted.history.path_named_by = running.history.path_named_by;
    return wanted;
}

std::optional<std::string> put_in_force(
    configuration wanted, configuration before, const std::function<void(configuration)>& take_over
)
try {
    take_over(std::move(wanted));
    return std::nullopt;
} catch (const std::exception& error) {
    std::string why = error.what();
    take_over(std::move(before));
    return why;
}

web::problem refusal_of(const std::vector<config_error>& errors)
{
    web::problem out{.code = web::problem_code::bad_config, .detail = {}};
    out.detail = fmt::format(
        "the configuration has {} mistake{}; the last good one stays in force",
        errors.size(),
        errors.size() == 1 ? "" : "s"
    );
    for (const config_error& each : errors)
        out.errors.push_back(
            {.pointer = {},
             .detail = each.detail,
             .file = each.file,
             .line = each.line,
             .column = each.column}
        );
    return out;
}

} // namespace finwait::daemon
