#include "daemon/courtesy.hpp"

#include "daemon/crew_choice.hpp"
#include "probe/kernel/unique_fd.hpp"

#include <cerrno>
#include <cstdint>
#include <fstream>
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

std::optional<processor_time> own_processor_time()
{
    std::ifstream file("/proc/self/schedstat");
    std::int64_t used_ns = 0;
    std::int64_t waited_ns = 0;
    if (!(file >> used_ns >> waited_ns))
        return std::nullopt;
    return processor_time{
        std::chrono::steady_clock::now(),
        std::chrono::nanoseconds(used_ns),
        std::chrono::nanoseconds(waited_ns)};
}

bool is_starved(const processor_time& before, const processor_time& now)
{
    const std::chrono::nanoseconds passed = now.at - before.at;
    const bool wanted_to_run = 2 * (now.waited - before.waited) >= passed;
    return wanted_to_run && 40 * (now.used - before.used) < passed;
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

void lead_own_session()
{
    (void)::setsid(); // refused: it stays among its parent's processes, which harms nobody
}

void courtesy::began(kind what)
{
    ++under_way_;
    const bool is_new = what == kind::program && wanted_ == priority::behind_others;
    if (what == kind::program)
        wanted_ = priority::among_others;
    if (is_new || !is_watching_)
        look();
}

void courtesy::look()
{
    const auto now = kernel_.look();
    // Where hunger cannot be seen there is no courtesy.
    if (!now || (before_ && is_starved(*before_, *now)))
        wanted_ = priority::among_others;
    before_ = now;
    if (wanted_ != in_force_ && kernel_.take(wanted_))
        in_force_ = wanted_;
    const bool is_settled = wanted_ == priority::among_others && in_force_ == wanted_;
    is_watching_ = under_way_ > 0 && !is_settled;
    if (!is_watching_) {
        before_.reset(); // an idle worker is not woken, and what it did not want is no hunger
        return;
    }
    pace_.expires_after(kernel_.interval);
    pace_.async_wait([this](const boost::system::error_code& ec) {
        if (!ec)
            look();
    });
}

} // namespace finwait::daemon
