#include "daemon/lost.hpp"

#include <utility>

namespace finwait::daemon {

report lost_report(const plan& what, std::string id, judge::obstacle why)
{
    report lost;
    lost.id = std::move(id);
    lost.started = std::chrono::system_clock::now();
    lost.control = is_control(what.by);
    lost.plan = what;
    judge::settle(lost, judge::judge(lost, judge::kernel_settings{}, why));
    return lost;
}

} // namespace finwait::daemon
