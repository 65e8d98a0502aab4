// One probe of the built-in client, step by step: set the scene, walk to the kill point, kill,
// look, let go, look, judge.
#include "probe/built_in_run.hpp"

#include "probe/actor.hpp"
#include "probe/client/address_check.hpp"
#include "probe/client/trust.hpp"
#include "probe/follow.hpp"
#include "probe/judge/judge.hpp"
#include "probe/kernel/holders.hpp"
#include "probe/kernel/socket_facts.hpp"
#include "probe/looks.hpp"
#include "probe/ready.hpp"
#include "probe/record.hpp"
#include "probe/target.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/http/error.hpp>
#include <fmt/format.h>

#include <array>
#include <exception>

namespace finwait {
namespace {

using namespace std::chrono_literals;
using namespace looks;

/// ESTABLISHED, FIN_WAIT1, FIN_WAIT2, TIME_WAIT.
constexpr std::size_t usual_states = 4;

/// How long both sides may take to stand at the kill point. A target has to answer by then; of our
/// own origin it is a matter of processor time only, which there may be little of.
constexpr std::chrono::seconds stand_limit(const plan& of)
{
    return of.target == "origin" ? 25s : 10s;
}

/// One probe under way.
class run_of_one
{
public:
    run_of_one(
        scene_maker& maker,
        plan what,
        expectation expected,
        std::string id,
        std::chrono::milliseconds deadline
    )
        : maker_(maker), plan_(std::move(what)), expected_(std::move(expected)),
          deadline_(deadline), start_(follower::clock::now())
    {
        report_.id = std::move(id);
        report_.started = std::chrono::system_clock::now();
        report_.plan = plan_;
        report_.control = is_control(plan_.by);
    }

    net::awaitable<report> go()
    {
        try {
            co_await experiment();
        } catch (const std::exception& failed) {
            in_the_way("internal_error", fmt::format("The probe broke off: {}.", failed.what()));
        }
        if (scene_)
            co_await scene_->strike();
        report_.took_ns = now_ns();
        if (could_be_overflow() && maker_.time_wait_overflowed().value_or(false))
            in_the_way(
                "time_wait_overflow",
                "The namespace is shared and had no room for a TIME_WAIT: a socket that is gone "
                "proves nothing. Raise net.ipv4.tcp_max_tw_buckets."
            );
        judge::settle(
            report_,
            judge::judge_possible(report_, std::move(expected_), maker_.settings(), obstacle_.what)
        );
        co_return std::move(report_);
    }

    /// The client died of its deadline before both ends were known: a longer one is worth a try.
    bool died_too_early() const { return died_too_early_; }

private:
    std::int64_t now_ns() const { return (follower::clock::now() - start_).count(); }

    void in_the_way(std::string code, std::string text)
    {
        obstacle_.put(std::move(code), std::move(text));
    }

    /// Without counters of the probe's own: is there an end that a full TIME_WAIT table makes of
    /// what would be a FIN_WAIT2 minisocket or a TIME_WAIT?
    bool could_be_overflow() const
    {
        if (report_.counters || report_.connections.empty() ||
            expected_.end_state == tcp_state::CLOSE)
            return false;
        const auto& client = report_.connections.front().client;
        const auto& last = client->after_origin ? client->after_origin : client->after_kill;
        return last && last->state == tcp_state::CLOSE && !last->owned;
    }

    /// What kept the probe from going on; a lack of descriptors is told as such, with its cure.
    void stopped_by(std::string code, std::string text, const boost::system::error_code& why)
    {
        const bool lacks_descriptors = why == boost::system::errc::too_many_files_open ||
                                       why == boost::system::errc::too_many_files_open_in_system;
        if (lacks_descriptors)
            return in_the_way(
                "no_descriptors",
                text + " Raise the limit of open files (ulimit -n, LimitNOFILE=) or lower "
                       "--in-flight."
            );
        in_the_way(std::move(code), std::move(text));
    }

    /// Of a handshake that failed. There is nothing of the server in it: OpenSSL's own words, and
    /// what the plan says.
    std::optional<std::string> why_no_tls(const boost::system::error_code& why) const
    {
        const auto wanted = plan_.target_tls.value_or(tls_settings{});
        if (client::is_version_refused(why))
            return fmt::format(
                "the target speaks no TLS {} or newer ({})", word(wanted.min), why.message()
            );
        const auto where = destination_of_url(plan_.target, plan_.family);
        if (!client::why_not_verified(why) || !where)
            return std::nullopt;
        return fmt::format(
            "the certificate of {} does not verify with {}: {}",
            where->host,
            wanted.ca,
            why.message()
        );
    }

    std::string why_not_there(const boost::system::error_code& why) const
    {
        const bool elsewhere = plan_.target != "origin";
        if (const auto address = scene_->client().refused_address())
            return client::refusal_of(why, *address);
        if (elsewhere)
            if (auto text = why_no_tls(why))
                return *text;
        if (elsewhere && why == boost::system::errc::no_message)
            return "the response was over before that point; a target with a longer response "
                   "would do";
        if (elsewhere && why == boost::asio::error::timed_out)
            return fmt::format("the target did not answer within {} s", stand_limit(plan_).count());
        if (elsewhere &&
            why.category() ==
                boost::beast::http::make_error_code(boost::beast::http::error::end_of_stream)
                    .category())
            return "what came is no HTTP response (" + why.message() + ")";
        return why.message();
    }

    net::awaitable<void> experiment()
    {
        auto set = maker_.make(plan_, report_.id, deadline_);
        scene_ = std::move(set.made);
        obstacle_.what = std::move(set.why);
        if (obstacle_)
            co_return;
        if (scene_->is_shared())
            report_.warnings.emplace_back(
                "In a run for throughput the network namespace is shared: counters are not this "
                "probe's own, the client's port is not tried, and the first look does not wait "
                "until the client's FIN is acknowledged (FIN_WAIT1 may stand for FIN_WAIT2)."
            );
        else if (!scene_->counted())
            report_.warnings.emplace_back(
                "The network namespace is shared: counters are not this probe's own."
            );
        co_await stand();
        if (obstacle_)
            co_return;
        co_await kill();
        if (obstacle_)
            co_return;
        co_await first_look();
        co_await let_go();
        co_await second_look();
        report_.counters = scene_->counter_deltas();
        report_.process = with_ending(scene_->client().record());
        if (follow_ && follow_->trouble())
            in_the_way(
                "kernel_refused", "sock_diag did not answer: " + follow_->trouble().message()
            );
    }

    // ---- before the kill -----------------------------------------------------------------------

    net::awaitable<void> stand()
    {
        const auto stood = co_await scene_->client().stand(stand_limit(plan_));
        if (!stood) {
            died_too_early_ = plan_.by == kill_method::deadline;
            stopped_by(
                "stall_not_reached",
                fmt::format(
                    "The client did not come to {}: {}.",
                    word(plan_.at),
                    why_not_there(stood.error())
                ),
                stood.error()
            );
            co_return;
        }
        if (plan_.at == kill_point::resolve) {
            obstacle_.what = co_await scene_->name_was_asked_for(stand_limit(plan_));
            co_return;
        }
        auto stalled = co_await scene_->origin_stalled(stood->id.local, stand_limit(plan_));
        if (!stalled) {
            stopped_by(
                "stall_not_reached",
                fmt::format(
                    "The origin did not come to its stall at {}: {}.",
                    word(plan_.at),
                    stalled.error().message()
                ),
                stalled.error()
            );
            co_return;
        }
        open_record(*stood, *stalled);
        co_await wait_for_kernel();
        // What has completed already and waits for its turn in the loop gets it now, so that the
        // client's operation is pending and not between two of its steps: a cancellation there
        // would be lost (Beast's composed reads do not look for it).
        co_await net::post(scene_->executor(), net::use_awaitable);
    }

    void open_record(const stood_at& stood, const std::optional<origin::seen_connection>& far)
    {
        follow_.emplace(scene_->executor(), scene_->diag(), start_);
        connection& kept = report_.connections.emplace_back();
        end& near = kept.client.emplace(end_of(stood.id));
        near.inode = stood.inode;
        if (near.peer.port == 0) // a server that is not ours may have been found by its name
            near.peer = scene_->peer();
        near.states.reserve(usual_states);
        follow_->client.record = &near;
        follow_->client.descriptor_open = [this] {
            return scene_->client().has_descriptor();
        };
        if (far) {
            end& other = kept.origin.emplace(end_of(far->id));
            other.states.reserve(usual_states);
            kept.request_bytes = far->request_bytes;
            kept.response_bytes = far->response_bytes;
            follow_->origin.record = &other;
            follow_->origin.descriptor_open = [this] {
                return scene_->origin_has_descriptor();
            };
        }
        follow_->listen_to(scene_->watch());
    }

    /// Asks the kernel until it shows both ends where they should stand; keeps what it says last.
    net::awaitable<void> wait_for_kernel()
    {
        const auto until = follower::clock::now() + stand_limit(plan_);
        std::optional<net::steady_timer> pace; // most often the first answer is good
        std::optional<std::string> missing;
        for (auto wait = std::chrono::duration_cast<std::chrono::microseconds>(first_wait);;
             wait = std::min<std::chrono::microseconds>(wait * 2, longest_wait)) {
            follow_->ask();
            if (follow_->trouble())
                break;
            missing = not_ready(
                plan_,
                follow_->client.latest,
                follow_->origin.record == nullptr ? std::nullopt
                                                  : std::optional(follow_->origin.latest)
            );
            // A socket that nobody has any more does not come back.
            const bool gone = !follow_->client.latest.owned;
            if (!missing || gone || follower::clock::now() >= until)
                break;
            if (!pace)
                pace.emplace(scene_->executor());
            pace->expires_after(wait);
            auto [cancelled] = co_await pace->async_wait(net::as_tuple(net::use_awaitable));
            (void)cancelled;
        }
        if (missing) {
            died_too_early_ = plan_.by == kill_method::deadline;
            in_the_way("stall_not_reached", fmt::format("At {}, {}.", word(plan_.at), *missing));
            co_return;
        }
        note_queues(*report_.connections.front().client, follow_->client.latest);
        if (auto& origin = report_.connections.front().origin)
            note_queues(*origin, follow_->origin.latest);
    }

    // ---- the kill ------------------------------------------------------------------------------

    net::awaitable<void> kill()
    {
        scene_->start_counting();
        kill::victim victim;
        scene_->client().expose(victim);
        scene_->expose(victim);
        if (follow_) {
            const end& client = *report_.connections.front().client;
            victim.id = {client.cookie, client.local, client.peer};
        }
        report_.kill.at_ns = now_ns();
        const auto proof = co_await kill::killer_of(plan_.by)(victim);
        if (!proof.failed.empty()) {
            stopped_by(
                "fault_not_delivered",
                fmt::format("The kill by {} did not happen: {}.", word(plan_.by), proof.failed),
                proof.why
            );
            co_return;
        }
        if (plan_.by == kill_method::deadline)
            report_.kill.at_ns = now_ns(); // it struck by itself, at the end of the wait
        report_.kill.confirmed_by = proof.happened;
        wait_status_ = proof.wait_status;
    }

    // ---- the looks -----------------------------------------------------------------------------

    net::awaitable<void> first_look()
    {
        if (!follow_)
            co_return;
        const bool waits = scene_->awaits_acknowledgement() || plan_.after == after_action::stall;
        const auto settled = waits ? after_kill_settled : after_kill_released;
        co_await follow_->follow(first_times, settled);
        auto& seen = report_.connections.front();
        seen.client->after_kill = follow_->client.latest;
        if (seen.origin)
            seen.origin->after_kill = follow_->origin.latest;
        seen.client->port.bindable_after_kill = try_port(*seen.client);
        // A stopped process and a client that is held still are meant to have it.
        if (seen.client->after_kill->owned && family_of(plan_.by) != kill_family::outside &&
            plan_.by != kill_method::stop)
            name_holders();
    }

    /// Names whoever has the client's socket open. First the processes that are known to be able
    /// to.
    void name_holders()
    {
        end& client = *report_.connections.front().client;
        const auto near = scene_->client().processes();
        const unsigned hidden = finwait::name_holders(client, near);
        if (client.holders.empty())
            report_.warnings.push_back(fmt::format(
                "No /proc/PID/fd shows who holds the socket (inode {}); {} processes could not be "
                "read.",
                client.inode,
                hidden
            ));
    }

    net::awaitable<void> let_go()
    {
        if (family_of(plan_.by) == kill_family::outside) {
            const bool ended = co_await scene_->client().let_go(plan_.by);
            if (!ended)
                in_the_way(
                    "client_stuck",
                    fmt::format(
                        "The client was let go and did not come to its end within {} s.",
                        kill::patience.count()
                    )
                );
        }
        co_await scene_->let_origin_go(plan_.after);
    }

    net::awaitable<void> second_look()
    {
        if (!follow_)
            co_return;
        const bool stalls = plan_.after == after_action::stall;
        const auto times = stalls ? std::span<const std::chrono::microseconds>(once)
                                  : std::span<const std::chrono::microseconds>(second_times);
        co_await follow_->follow(times, after_origin_settled);
        auto& seen = report_.connections.front();
        seen.client->after_origin = follow_->client.latest;
        if (seen.origin)
            seen.origin->after_origin = follow_->origin.latest;
        seen.client->port.bindable_after_origin = try_port(*seen.client);
        if (const auto far = scene_->origin_connection()) {
            seen.request_bytes = far->request_bytes;
            seen.response_bytes = far->response_bytes;
        }
        if (seen.client->after_origin->owned && family_of(plan_.by) == kill_family::outside)
            name_holders();
        look_behind_close(*seen.client);
    }

    /// CLOSE is three things: gone, a descriptor that no listing shows, or a tuple with a new
    /// owner.
    void look_behind_close(const end& client)
    {
        if (client.after_origin->state != tcp_state::CLOSE || !scene_->tries_port())
            return;
        const auto absent =
            kernel::why_absent(scene_->diag(), {client.cookie, client.local, client.peer});
        if (absent && *absent == kernel::absence::tuple_reused)
            report_.warnings.push_back(fmt::format(
                "{} to {} has another owner by now.",
                to_string(client.local),
                to_string(client.peer)
            ));
        // Only now: reading SO_ERROR takes it away from its owner, who would have acted on it.
        for (const auto& one : client.holders) {
            const auto error = kernel::pending_error(one.pid, one.fd);
            if (error && *error != 0)
                report_.warnings.push_back(fmt::format(
                    "SO_ERROR of descriptor {} of process {}: {}.",
                    one.fd,
                    one.pid,
                    kernel::errno_name(*error)
                ));
        }
    }

    /// The original question, answered literally.
    std::optional<bool> try_port(end& client)
    {
        if (!scene_->tries_port())
            return std::nullopt;
        return finwait::try_port(*scene_, client, report_.warnings);
    }

    std::optional<process_record> with_ending(std::optional<process_record> process) const
    {
        if (process) {
            process->ended = wait_status_;
            const auto& ends = report_.connections;
            const bool zombie = process->lives && !ends.empty() &&
                                ends.front().client->after_origin &&
                                ends.front().client->after_origin->state == tcp_state::CLOSE &&
                                ends.front().client->after_origin->owned;
            process->zombie_fds = zombie ? 1 : 0;
        }
        return process;
    }

    scene_maker& maker_;
    plan plan_;
    expectation expected_;
    std::chrono::milliseconds deadline_;
    follower::clock::time_point start_;
    report report_;
    first_obstacle obstacle_;
    std::unique_ptr<scene> scene_;
    std::optional<follower> follow_;
    std::string wait_status_;
    bool died_too_early_ = false;
};

} // namespace

net::awaitable<report>
run_built_in(scene_maker& maker, plan what, expectation expected, std::string id)
{
    constexpr auto longest = 12000ms;
    for (auto deadline = 700ms;; deadline = deadline == 700ms ? 3000ms : longest) {
        run_of_one one(maker, what, expected, id, deadline);
        report found = co_await one.go();
        if (!one.died_too_early() || deadline == longest)
            co_return found;
    }
}

} // namespace finwait
