#include "probe/external/stand.hpp"

#include "probe/looks.hpp"
#include "probe/record.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <variant>

namespace finwait::external {
namespace {

using namespace std::chrono_literals;
using namespace looks;

class way_to_stall
{
public:
    way_to_stall(experiment& it, watched_connections& all) : it_(it), all_(all) {}

    net::awaitable<void> stand()
    {
        it_.stand_until = clock::now() + it_.how.timeout;
        if (it_.how.is_driver) {
            const bool ready = co_await it_.until_said(it_.client->ready(), it_.stand_until);
            if (!ready)
                co_return no_stall("it did not say READY");
            (void)it_.client->tell("start"); // ignoring: a driver that does not read does not stall
        }
        co_await await_stalls();
        if (it_.obstacle)
            co_return;
        all_.find();
        if (all_.list.empty() && it_.wanted().at != kill_point::resolve)
            co_return no_stall("the kernel shows no connection of it to the origin");
        if (it_.wanted().at == kill_point::idle_peer_closed)
            (void)it_.set->close_at_origin(); // what is left to be seen of it, the kernel shows
        co_await wait_for_kernel();
    }

private:
    /// At a complete exchange, of one that speaks: until it has said so as well. What it says of
    /// that must not be taken for its word after the kill.
    net::awaitable<void> await_its_word()
    {
        if (it_.is_complete() && it_.speaks_of_its_end())
            co_await it_.until_settled(std::min<clock::duration>(it_.left(), grace));
    }

    void no_stall(const std::string& why)
    {
        std::string text = fmt::format(
            "{} did not come to {}: {}", it_.wanted().subject, word(it_.wanted().at), why
        );
        if (!it_.client->lives())
            text += "; it had ended by " + it_.client->how_it_ended();
        else if (it_.client->is_done())
            text += "; it had said before that it was done";
        it_.in_the_way("stall_not_reached", text + elsewhere() + ".");
    }

    /// Whether it connects to somebody who is not the origin.
    std::string elsewhere()
    {
        const auto own = it_.open_inodes();
        const auto all = it_.list_sockets();
        std::string text;
        for (const auto& each : all ? *all : std::vector<kernel::socket_view>{})
            if (own.contains(each.inode) && !it_.is_to_origin(each))
                text += (text.empty() ? "; it is connected to " : ", ") + to_string(each.peer);
        return text;
    }

    net::awaitable<void> await_stalls()
    {
        if (it_.wanted().at == kill_point::resolve) {
            it_.obstacle.what =
                co_await it_.set->name_was_asked_for(it_.stand_until - clock::now());
            co_return;
        }
        if (it_.wanted().at == kill_point::connect)
            co_return co_await await_syn_sent();
        if (it_.is_complete())
            co_return co_await await_answers();
        for (unsigned i = 0; i < it_.wanted().requests; ++i) {
            const auto stalled = co_await stall_or_its_word();
            // With its own end in view the hold line suffices: it may have given up before.
            if (!stalled && it_.wanted().by == kill_method::own && !all_.list.empty()) {
                co_await it_.until_settled(it_.left());
                if (it_.client->is_done() || !it_.client->lives())
                    co_return;
            }
            if (!stalled)
                co_return explain_missing(stalled.error());
        }
    }

    /// The next stall. operation_aborted: there is none to come, since the program has said that it
    /// is done, or has ended.
    net::awaitable<result<std::size_t>> stall_or_its_word()
    {
        using namespace net::experimental::awaitable_operators;
        // A driver's word is that all its requests have ended. What another program means by it,
        // and whether its children go on without it, is known where its own end is awaited.
        const bool ends_by_word = it_.how.is_driver || it_.wanted().by == kill_method::own;
        if (!ends_by_word)
            co_return co_await it_.set->next_stall(it_.left());
        auto first = co_await (it_.set->next_stall(it_.left()) || it_.until_settled(it_.left()));
        if (first.index() == 0)
            co_return std::get<0>(first);
        // A shell may have left its client behind.
        if (!it_.client->is_done() && all_.list.empty() && !it_.client->processes().empty())
            co_return co_await it_.set->next_stall(it_.left());
        co_return boost::system::error_code(net::error::operation_aborted);
    }

    /// Until so many requests have been answered in full, or none is to come any more.
    net::awaitable<boost::system::error_code> answers_or_its_word(unsigned requests)
    {
        using namespace net::experimental::awaitable_operators;
        auto first = co_await (
            it_.set->origin_answered(requests, it_.left()) || it_.until_settled(it_.left())
        );
        if (first.index() == 0)
            co_return std::get<0>(first);
        // The origin may be told of its last byte a moment after the client.
        clock::duration rest = it_.left();
        if (it_.client->is_done() || it_.client->processes().empty())
            rest = std::min<clock::duration>(rest, grace);
        co_return co_await it_.set->origin_answered(requests, rest);
    }

    /// The successes before the kill, in as many rounds as this run is to have.
    net::awaitable<void> await_answers()
    {
        for (unsigned round = 1; round <= it_.rounds; ++round) {
            if (round > 1) {
                it_.client->forget_done();
                (void)it_.client->tell("start"); // ignoring: a driver that does not read is missed
            }
            const auto failed = co_await answers_or_its_word(round * it_.wanted().requests);
            if (failed)
                co_return explain_missing(failed);
            co_await await_its_word();
        }
    }

    void explain_missing(const boost::system::error_code& why)
    {
        const auto& seen = it_.set->origin_connections();
        if (seen.empty())
            return no_stall("it made no connection to the origin");
        std::string text = fmt::format(
            "{} of {} requests reached the stall ({})",
            std::ranges::count_if(seen, [](const auto& each) { return each.stalled; }),
            it_.wanted().requests,
            why.message()
        );
        for (const auto& each : seen)
            if (!each.fault.empty())
                text += "; the origin found fault with a request: " + each.fault;
        no_stall(text);
    }

    net::awaitable<void> await_syn_sent()
    {
        net::steady_timer pace(it_.io);
        for (;;) {
            all_.find();
            if (std::ranges::any_of(all_.list, [](const watched& each) {
                    return each.follow->client.latest.state == tcp_state::SYN_SENT;
                }))
                co_return;
            if (clock::now() >= it_.stand_until || !it_.client->lives())
                co_return no_stall("no socket of it is in SYN_SENT");
            pace.expires_after(5ms);
            auto [cancelled] = co_await pace.async_wait(net::as_tuple(net::use_awaitable));
            (void)cancelled;
        }
    }

    net::awaitable<void> wait_for_kernel()
    {
        net::steady_timer pace(it_.io);
        std::optional<std::string> lacking;
        for (auto wait = first_wait;; wait = std::min<microseconds>(wait * 2, longest_wait)) {
            lacking.reset();
            for (auto& each : all_.list) {
                all_.note_origin(each);
                each.follow->ask();
                if (auto text = all_.missing(each))
                    lacking = std::move(text);
            }
            const bool own_end = it_.wanted().by == kill_method::own &&
                                 (it_.client->is_done() || !it_.client->lives());
            if (!lacking || own_end)
                break;
            if (clock::now() >= it_.stand_until || !it_.client->lives())
                co_return no_stall(*lacking);
            pace.expires_after(wait);
            auto [cancelled] = co_await pace.async_wait(net::as_tuple(net::use_awaitable));
            (void)cancelled;
        }
        for (auto& each : all_.list) {
            note_queues(*each.record.client, each.follow->client.latest);
            if (each.record.origin)
                note_queues(*each.record.origin, each.follow->origin.latest);
        }
    }

    experiment& it_;
    watched_connections& all_;
};

} // namespace

net::awaitable<void> stand(experiment& it, watched_connections& all)
{
    way_to_stall one(it, all);
    co_await one.stand();
}

} // namespace finwait::external
