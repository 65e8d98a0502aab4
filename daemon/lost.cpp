#include "daemon/lost.hpp"

#include <utility>

namespace finwait::daemon {

report lost_report(const plan& what, std::string id, judge::obstacle why)
{
    return lost_report({.plan = what, .id = std::move(id), .client = {}}, std::move(why));
}

report lost_report(const json::plan_line& what, judge::obstacle why)
{
    report lost;
    lost.id = what.id.value();
    lost.started = std::chrono::system_clock::now();
    lost.control = is_control(what.plan.by) || (what.client && what.client->is_misuse);
    lost.plan = what.plan;
    judge::settle(lost, judge::judge(lost, judge::kernel_settings{}, why));
    return lost;
}

} // namespace finwait::daemon
