// What the service manager is told: sd_notify(3)'s protocol, one datagram each to $NOTIFY_SOCKET.
// Without a service manager all of it does nothing.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace finwait::daemon {

namespace net = boost::asio;

/// Where to tell it, and how often it wants to hear of us.
struct manager_address
{
    std::string socket; ///< a path, or an abstract name after `@`; empty: there is no manager
    std::optional<std::chrono::microseconds> watchdog; ///< the time after which it kills us
};

/// Of this process: $NOTIFY_SOCKET, and $WATCHDOG_USEC when $WATCHDOG_PID is ours or unset. Takes
/// them out of the environment: nobody whom we start speaks for us. Call before threads start.
manager_address take_manager_address();

/// Tells the service manager. Errors are ignored: there is nobody else who could be told.
class service_manager
{
public:
    explicit service_manager(manager_address where) : where_(std::move(where)) {}

    bool is_there() const { return !where_.socket.empty(); }

    /// Up and answering; also the end of a reload. `status` as in status().
    void ready(std::string_view status);
    /// A reload has begun. Carries MONOTONIC_USEC, as Type=notify-reload wants it (253 and later).
    void reloading();
    void stopping();
    /// One line for `systemctl status`; control bytes become visible.
    void status(std::string_view text);
    /// Asks for that much more time to start or stop.
    void extend_timeout(std::chrono::microseconds by);

    const std::optional<std::chrono::microseconds>& watchdog() const { return where_.watchdog; }
    /// WATCHDOG=1
    void alive();

private:
    void tell(const std::string& state) const;

    manager_address where_;
};

/// Tells the manager at a third of its time that this event loop turns. Nothing when it did not
/// ask.
class watchdog_timer
{
public:
    /// `manager` outlives it.
    watchdog_timer(net::io_context& io, service_manager& manager);
    void start();
    void stop() { timer_.cancel(); }

private:
    void again();

    service_manager& manager_;
    net::steady_timer timer_;
};

} // namespace finwait::daemon
