#include "daemon/systemd/notify.hpp"

#include "daemon/printable.hpp"
#include "daemon/quantity.hpp"
#include "daemon/systemd/datagram.hpp"
#include "daemon/systemd/environment.hpp"

#include <fmt/format.h>

#include <ctime>
#include <limits>

#include <unistd.h>

namespace finwait::daemon {

namespace {

using std::chrono::microseconds;

// A status line longer than that helps nobody, and the manager's datagrams have an end.
constexpr std::size_t longest_status = 1024;

std::uint64_t number_of(const std::string& text)
{
    return parse_count(text, 1, std::numeric_limits<std::int64_t>::max()).value_or(0);
}

// Cut between characters, so that it stays text.
std::string_view cut(std::string_view text)
{
    if (text.size() <= longest_status)
        return text;
    std::size_t end = longest_status;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
        --end;
    return text.substr(0, end);
}

std::string status_line(std::string_view text)
{
    return fmt::format("STATUS={}", printable(cut(text)));
}

microseconds monotonic_now()
{
    timespec now{};
    (void)::clock_gettime(CLOCK_MONOTONIC, &now); // cannot fail with this clock
    return std::chrono::duration_cast<microseconds>(
        std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec)
    );
}

} // namespace

manager_address take_manager_address()
{
    manager_address out{.socket = take_variable("NOTIFY_SOCKET"), .watchdog = {}};
    if (!out.socket.empty() && out.socket.front() != '/' && out.socket.front() != '@')
        out.socket.clear(); // sd_notify(3): vsock and the like are not for us
    const auto usec = number_of(take_variable("WATCHDOG_USEC"));
    const std::string pid = take_variable("WATCHDOG_PID");
    const bool is_ours = pid.empty() || number_of(pid) == static_cast<std::uint64_t>(::getpid());
    if (usec > 0 && is_ours && !out.socket.empty())
        out.watchdog = microseconds(usec);
    return out;
}

void service_manager::ready(std::string_view status)
{
    tell("READY=1\n" + status_line(status));
}

void service_manager::reloading()
{
    tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", monotonic_now().count()));
}

void service_manager::stopping()
{
    tell("STOPPING=1\n" + status_line("stopping"));
}

void service_manager::status(std::string_view text)
{
    tell(status_line(text));
}

void service_manager::extend_timeout(microseconds by)
{
    tell(fmt::format("EXTEND_TIMEOUT_USEC={}", by.count()));
}

void service_manager::alive()
{
    tell("WATCHDOG=1");
}

void service_manager::tell(const std::string& state) const
{
    if (is_there())
        (void)send_datagram(where_.socket, state);
}

watchdog_timer::watchdog_timer(net::io_context& io, service_manager& manager)
    : manager_(manager), timer_(io)
{
}

void watchdog_timer::start()
{
    if (manager_.watchdog())
        again();
}

// From the event loop that does the work: one that hangs says nothing. A third leaves room for a
// turn that takes long.
void watchdog_timer::again()
{
    manager_.alive();
    timer_.expires_after(*manager_.watchdog() / 3);
    timer_.async_wait([this](const boost::system::error_code& ec) {
        if (!ec)
            again();
    });
}

} // namespace finwait::daemon
