#include "daemon/courtesy.hpp"

#include "daemon/crew_choice.hpp"
#include "probe/kernel/unique_fd.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string_view>

#include <fcntl.h>
#include <sys/sysinfo.h>
#include <unistd.h>

namespace finwait::daemon {

bool take(priority wanted)
{
    const finwait::kernel::unique_fd file(::open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC));
    if (!file)
        return true;
    const std::string_view nice = wanted == priority::behind_others ? "19" : "0";
    return ::write(file.get(), nice.data(), nice.size()) > 0 || errno != EAGAIN;
}

bool is_overloaded()
{
    struct sysinfo seen
    {
    };
    if (::sysinfo(&seen) != 0)
        return false;
    const double load = static_cast<double>(seen.loads[0]) / (1 << SI_LOAD_SHIFT);
    return load > 1.5 * usable_processors();
}

bool lead_own_session()
{
    return ::setsid() > 0;
}

void courtesy::began(const std::string& id, kind what)
{
    since_.emplace(id, clock::now());
    if (what == kind::program) {
        wanted_ = priority::among_others;
        settle();
    } else if (!is_watching_ && wanted_ == priority::behind_others)
        look();
}

void courtesy::look()
{
    const auto limit = clock::now() - how_.patience;
    if (std::any_of(since_.begin(), since_.end(), [limit](const auto& each) {
            return each.second <= limit;
        }))
        wanted_ = priority::among_others;
    settle();
    is_watching_ = !since_.empty() && wanted_ == priority::behind_others;
    if (!is_watching_)
        return; // an idle worker is not woken
    pace_.expires_after(how_.interval);
    pace_.async_wait([this](const boost::system::error_code& ec) {
        if (!ec)
            look();
    });
}

void courtesy::settle()
{
    if (wanted_ == in_force_)
        return;
    if (how_.take(wanted_)) {
        in_force_ = wanted_;
        return;
    }
    // Other workers wait for their turn as well.
    std::uniform_int_distribution<std::int64_t> spread(0, how_.refusal.count());
    again_.expires_after(how_.refusal + std::chrono::milliseconds(spread(chance_)));
    again_.async_wait([this](const boost::system::error_code& ec) {
        if (!ec)
            settle();
    });
}

} // namespace finwait::daemon
