// What the parts of one experiment with another program's client share: the order, the stage, the
// program, the report in the making, and how one waits for the program.
#pragma once

#include "probe/event.hpp"
#include "probe/kernel/listing.hpp"
#include "probe/record.hpp"
#include "probe/scene.hpp"
#include "probe/subject/client_order.hpp"
#include "probe/subject/program.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace finwait::external {

using clock = std::chrono::steady_clock;

/// How long a client may take to end, or to say that it is done, once it was killed.
constexpr auto patience = std::chrono::seconds(20);

/// How long a client that catches a signal and has no word for "done" may take before it is looked
/// at as one that lives on.
constexpr auto grace = std::chrono::seconds(2);

/// One experiment. Outlives its parts, which refer to it.
struct experiment
{
    experiment(
        net::io_context& loop,
        plan what,
        std::string id,
        subject::client_order order,
        unsigned rounds_wanted
    );

    net::io_context& io;
    subject::client_order how;
    unsigned rounds = 1; ///< as run_purpose
    clock::time_point start = clock::now();
    clock::time_point stand_until;
    report seen;
    first_obstacle obstacle;
    std::unique_ptr<scene> set;
    std::shared_ptr<subject::program> client;

    const plan& wanted() const { return seen.plan; }
    std::int64_t now_ns() const { return (clock::now() - start).count(); }
    void in_the_way(std::string code, std::string text)
    {
        obstacle.put(std::move(code), std::move(text));
    }

    /// Whether the exchange is over at the kill point.
    bool is_complete() const;

    /// Whether it has a word for "my cleanup is done".
    bool speaks_of_its_end() const { return how.is_driver || !how.hold.empty(); }

    /// Of the time to come to the kill point; 0 when it is over.
    clock::duration left() const;

    /// Until that event or the program's end. False: it ended, or the time is over.
    net::awaitable<bool> until_said(event& what, clock::time_point until);

    /// Until it has ended or said that it is done, at most so long.
    net::awaitable<void> until_settled(clock::duration limit);

    /// The sockets of the probe's namespace.
    kernel::result<std::vector<kernel::socket_view>>
    list_sockets(kernel::listeners wanted = kernel::listeners::left_out) const;

    bool is_to_origin(const kernel::socket_view& each) const;

    /// The inodes of all socket descriptors of the program and its descendants.
    std::set<std::uint32_t> open_inodes() const;
};

} // namespace finwait::external
