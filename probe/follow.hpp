// Following both ends of a connection through the kernel, from before the kill to after the second
// look: exact lookups, dense at first and sparse later, woken by the destroy multicast.
#pragma once

#include "probe/event.hpp"
#include "probe/kernel/destroy_events.hpp"
#include "probe/kernel/sock_diag.hpp"
#include "probe/model/report.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <functional>
#include <memory>
#include <span>
#include <unordered_map>

namespace finwait {

/// Hands the destroy multicast of one namespace to whoever waits for a cookie.
class destroy_watch : public std::enable_shared_from_this<destroy_watch>
{
public:
    /// Opens in the calling thread's namespace and starts to listen.
    static kernel::result<std::shared_ptr<destroy_watch>>
    start(net::io_context& io, int buffer_bytes);

    /// Why somebody is woken.
    enum class cause { destroyed, events_lost };

    /// `woken` is called when that socket is destroyed, or when events were lost. It must stay
    /// callable until unsubscribe().
    void subscribe(std::uint64_t cookie, std::function<void(cause)> woken);
    void unsubscribe(std::uint64_t cookie);

    /// Stops listening and closes.
    void stop();

private:
    destroy_watch(net::io_context& io, kernel::destroy_events events);
    void listen();
    void hand_out();

    kernel::destroy_events events_;
    net::posix::stream_descriptor readable_;
    std::unordered_map<std::uint64_t, std::function<void(cause)>> waiting_;
};

/// One end under observation.
struct watched_end
{
    end* record = nullptr; ///< null: this end cannot be seen
    /// Whether a descriptor of the socket is open, asked when the kernel lists it no more.
    std::function<bool()> descriptor_open;
    look latest;               ///< the last answer
    std::int64_t asked_ns = 0; ///< when it was asked last
    bool destroyed = false;    ///< an event said so since it was asked last
};

/// Follows the two ends of one connection.
class follower
{
public:
    using clock = std::chrono::steady_clock;
    enum class done { not_yet, yes };

    follower(
        const net::any_io_executor& executor, kernel::sock_diag& diag, clock::time_point start
    );
    ~follower();
    follower(const follower&) = delete;
    follower& operator=(const follower&) = delete;

    /// While it waits, the destruction of one of these sockets wakes the follower. May be null.
    void listen_to(std::shared_ptr<destroy_watch> watch);

    /// Asks the kernel for both ends now and extends their timelines.
    void ask();

    /// Asks at these times after now, and whenever an event wakes it, until `settled` says yes or
    /// the times are over.
    net::awaitable<void> follow(
        std::span<const std::chrono::microseconds> times,
        const std::function<done(const follower&)>& settled
    );

    watched_end client;
    watched_end origin;

    /// What went wrong with asking the kernel; empty when nothing did.
    const boost::system::error_code& trouble() const { return trouble_; }

    std::int64_t now_ns() const { return (clock::now() - start_).count(); }

private:
    void listen();
    void note(watched_end& which, const std::optional<kernel::socket_view>& view);
    static void
    extend(timeline& states, const look& seen, std::int64_t asked_before, witness source);

    kernel::sock_diag* diag_;
    clock::time_point start_;
    net::steady_timer pace_;
    bool woken_ = false;
    bool listens_ = false;
    std::shared_ptr<destroy_watch> watch_;
    boost::system::error_code trouble_;
};

} // namespace finwait
