// What the service is asked to do.
#include "daemon/live_service.hpp"

#include <fmt/format.h>

#include <utility>

namespace finwait::daemon {

namespace {

using std::chrono::system_clock;
using web::problem;
using web::problem_code;

} // namespace

web::outcome_of<web::accepted>
live_service::start_audit(const web::audit_order& wanted, const web::peer&)
{
    auto ready = prepare(wanted, context());
    if (auto* const why = std::get_if<problem>(&ready))
        return std::move(*why);
    auto& made = std::get<prepared_audit>(ready);
    const std::string name = made.name;
    const auto came = lane_->ask(std::move(made));
    if (came.came_out == admission::full)
        return problem{
            .code = problem_code::limit_exceeded,
            .detail = fmt::format("{} audits wait already", lane_->waiting().audits)};
    if (came.came_out == admission::queued && name != ad_hoc)
        timetable_.started(name, system_clock::now());
    status_changed();
    return web::accepted{.id = came.id, .is_joined = came.came_out == admission::joined};
}

web::outcome_of<web::done> live_service::cancel_audit(std::string_view id, const web::peer&)
{
    if (lane_->cancel_audit(id) != removal::unknown)
        return web::done{};
    if (lane_->audit(id) != nullptr || history_.audit(id))
        return problem{
            .code = problem_code::already_finished, .detail = "that audit has ended already"};
    return problem{.code = problem_code::not_found, .detail = "there is no audit with that id"};
}

web::outcome_of<web::accepted> live_service::start_probe(const plan& wanted, const web::peer&)
{
    auto ready = prepare(wanted, context());
    if (auto* const why = std::get_if<problem>(&ready))
        return std::move(*why);
    const auto id = lane_->ask(std::move(std::get<prepared_probe>(ready)));
    if (!id)
        return problem{
            .code = problem_code::limit_exceeded,
            .detail = fmt::format("{} probes wait already", lane_->waiting().probes)};
    return web::accepted{.id = *id};
}

web::outcome_of<web::done> live_service::cancel_probe(std::string_view id, const web::peer&)
{
    switch (lane_->cancel_probe(id)) {
    case probe_removal::withdrawn:
    case probe_removal::running:
        return web::done{};
    case probe_removal::over:
        break;
    case probe_removal::unknown:
        if (!history_.report(id))
            return problem{
                .code = problem_code::not_found, .detail = "there is no probe with that id"};
        break;
    }
    return problem{
        .code = problem_code::already_finished, .detail = "that probe has ended already"};
}

web::outcome_of<web::document> live_service::reload_config(const web::peer&)
{
    if (!tell_.reload)
        return problem{
            .code = problem_code::not_implemented,
            .detail = "this daemon was started without a configuration to read again"};
    return tell_.reload();
}

} // namespace finwait::daemon
