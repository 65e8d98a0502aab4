#include "probe/external/looks.hpp"

#include "probe/looks.hpp"
#include "probe/record.hpp"

#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include <span>

namespace finwait::external {
namespace {

using namespace looks;

class program_looks
{
public:
    program_looks(experiment& it, watched_connections& all) : it_(it), all_(all) {}

    net::awaitable<void> first_look()
    {
        // What it has started may close a little later than itself.
        const bool lives = it_.wanted().by != kill_method::stop && !it_.client->processes().empty();
        all_.look_at_descriptors();
        // By index: another connection may arrive meanwhile.
        for (std::size_t i = 0; i < all_.list.size(); ++i)
            co_await all_.list[i].follow->follow(first_times, after_kill_settled);
        if (lives)
            co_await settle();
        all_.look_at_descriptors();
        all_.find();
        for (auto& each : all_.list) {
            all_.note_origin(each);
            each.follow->ask();
            auto& client = *each.record.client;
            client.after_kill = each.follow->client.latest;
            if (each.record.origin)
                each.record.origin->after_kill = each.follow->origin.latest;
            client.port.bindable_after_kill = try_port(*it_.set, client, it_.seen.warnings);
            if (client.after_kill->owned)
                (void)name_holders(client, it_.client->processes()); // none: nobody can be named
            note_running_holder(client);
        }
    }

    net::awaitable<void> second_look()
    {
        const bool stalls = it_.wanted().after == after_action::stall;
        const auto times = stalls ? std::span<const microseconds>(once)
                                  : std::span<const microseconds>(second_times);
        all_.look_at_descriptors();
        for (auto& each : all_.list) {
            if (!each.record.client->after_kill)
                continue;
            co_await each.follow->follow(times, after_origin_settled);
            auto& client = *each.record.client;
            client.after_origin = each.follow->client.latest;
            if (each.record.origin)
                each.record.origin->after_origin = each.follow->origin.latest;
            client.port.bindable_after_origin = try_port(*it_.set, client, it_.seen.warnings);
        }
    }

private:
    /// The settle times of a client that lives on: the second while anything is open, those after
    /// it while anything is that is not at rest. A pool may keep its connections for ever.
    net::awaitable<void> settle()
    {
        const auto done = clock::now();
        net::steady_timer pace(it_.io);
        std::size_t taken = 0;
        for (const auto& time : it_.how.settle) {
            if ((taken == 1 && !all_.is_any_open()) || (taken > 1 && all_.are_all_at_rest()))
                co_return;
            ++taken;
            pace.expires_at(done + time);
            auto [cancelled] = co_await pace.async_wait(net::as_tuple(net::use_awaitable));
            (void)cancelled;
            all_.look_at_descriptors();
            all_.find();
            for (auto& each : all_.list) {
                all_.note_origin(each);
                each.follow->ask();
            }
        }
    }

    /// `stop` excuses only those who are stopped.
    void note_running_holder(const end& client)
    {
        if (it_.wanted().by != kill_method::stop)
            return;
        for (const holder& each : client.holders)
            if (!subject::is_stopped(each.pid)) {
                it_.seen.kill.confirmed_by.clear();
                it_.in_the_way(
                    "fault_not_delivered",
                    fmt::format(
                        "The process was stopped, but process {} ({}) has the connection and runs "
                        "on; --to group would stop it as well.",
                        each.pid,
                        each.command
                    )
                );
            }
    }

    experiment& it_;
    watched_connections& all_;
};

} // namespace

net::awaitable<void> first_look(experiment& it, watched_connections& all)
{
    program_looks one(it, all);
    co_await one.first_look();
}

net::awaitable<void> second_look(experiment& it, watched_connections& all)
{
    program_looks one(it, all);
    co_await one.second_look();
}

} // namespace finwait::external
