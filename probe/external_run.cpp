#include "probe/external_run.hpp"

#include "probe/follow.hpp"
#include "probe/kernel/holders.hpp"
#include "probe/kernel/listing.hpp"
#include "probe/kernel/socket_facts.hpp"
#include "probe/looks.hpp"
#include "probe/ready.hpp"
#include "probe/subject/program.hpp"
#include "probe/subject/request_file.hpp"

#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <exception>
#include <set>

#include <signal.h>
#include <sys/wait.h>

namespace finwait {
namespace {

using namespace std::chrono_literals;
using namespace looks;
using judge::obstacle;
using subject::program;
using clock = std::chrono::steady_clock;

/// How long a client may take to end, or to say that it is done, once it was killed.
constexpr auto patience = 20s;

/// How long a client that catches a signal and has no word for "done" may take before it is looked
/// at as one that lives on.
constexpr auto grace = 2s;

/// How often it is asked whether a signal is still pending, for which there is no event.
constexpr auto looks_at_pending = 20ms;

/// The limit of the one request that shows whether a client still works, with room for a driver's
/// own of 5 s.
constexpr auto health_limit = 8s;

int number_of(kill_method by)
{
    switch (by) {
    case kill_method::sigint:
        return SIGINT;
    case kill_method::sigterm:
        return SIGTERM;
    case kill_method::sigkill:
        return SIGKILL;
    default:
        return SIGSTOP;
    }
}

/// One connection under observation.
struct watched
{
    connection record;
    std::size_t origin_index = origin::server::no_index;
    std::optional<follower> follow;
};

class external_run
{
public:
    external_run(
        net::io_context& io,
        scene_maker& maker,
        plan what,
        std::string id,
        subject::client_order how
    )
        : io_(io), maker_(maker), how_(std::move(how)), start_(clock::now())
    {
        report_.id = std::move(id);
        report_.started = std::chrono::system_clock::now();
        report_.plan = std::move(what);
        report_.control = how_.is_misuse;
    }

    net::awaitable<report> go()
    {
        try {
            co_await experiment();
        } catch (const std::exception& failed) {
            in_the_way("internal_error", fmt::format("The probe broke off: {}.", failed.what()));
        }
        if (!report_.process)
            note_process();
        if (program_)
            program_->end();
        if (report_.process) {
            report_.process->works = works_;
            report_.process->output = program_->output();
        }
        if (scene_) {
            if (program_)
                scene_->on_arrival({});
            co_await scene_->strike();
        }
        for (auto& each : watched_)
            report_.connections.push_back(std::move(each.record));
        report_.took_ns = now_ns();
        judge::settle(report_, judge::judge(report_, maker_.settings(), obstacle_));
        co_return std::move(report_);
    }

private:
    const plan& wanted() const { return report_.plan; }
    std::int64_t now_ns() const { return (clock::now() - start_).count(); }

    void in_the_way(std::string code, std::string text)
    {
        if (!obstacle_)
            obstacle_ = obstacle{std::move(code), std::move(text)};
    }

    net::awaitable<void> experiment()
    {
        auto set = maker_.make_stage(wanted(), report_.id);
        scene_ = std::move(set.made);
        obstacle_ = std::move(set.why);
        if (obstacle_)
            co_return;
        if (!scene_->counted())
            report_.warnings.emplace_back(
                "The network namespace is shared: counters are not this probe's own."
            );
        start_program();
        if (obstacle_)
            co_return;
        co_await stand();
        if (obstacle_)
            co_return;
        co_await kill();
        if (obstacle_)
            co_return;
        co_await first_look();
        co_await ask_whether_it_works();
        co_await release();
        co_await scene_->let_origin_go(wanted().after);
        co_await second_look();
        report_.counters = scene_->counter_deltas();
        for (auto& each : watched_)
            if (each.follow->trouble())
                in_the_way(
                    "kernel_refused",
                    "sock_diag did not answer: " + each.follow->trouble().message()
                );
    }

    // ---- before the kill -----------------------------------------------------------------------

    void start_program()
    {
        const auto file = subject::request_file::of(wanted().request.bytes);
        if (!file)
            return in_the_way("not_permitted", "Making the body's file: " + file.error().message());
        const endpoint& peer = scene_->peer();
        const std::string address = to_string(peer);
        const std::string host = address.substr(0, address.rfind(':'));
        const std::string name = scene_->name().empty() ? host : scene_->name();
        const subject::replacements known{
            {"url", fmt::format("{}://{}:{}/", wanted().tls ? "https" : "http", name, peer.port)},
            {"host", name},
            {"port", std::to_string(peer.port)},
            {"method", wanted().method},
            {"framing", std::string(word(wanted().request.how))},
            {"body_bytes", std::to_string(wanted().request.bytes)},
            {"body_file", file->path()},
            {"timeout_ms", std::to_string(how_.own_timeout.count())},
            {"requests", std::to_string(wanted().requests)}};
        const auto inside = scene_->enter();
        auto started = program::start(io_, how_, known, report_.id, scene_->namespace_name());
        if (!started)
            return in_the_way(
                "not_started",
                fmt::format(
                    "{} cannot be started: {}.", how_.command.front(), started.error().message()
                )
            );
        program_ = *started;
        // Of a client that breaks off at once the cookie can be had only now.
        scene_->on_arrival([this] { find_connections(); });
        program_->on_end([this] {
            if (program_->processes().empty())
                scene_->expect_nobody();
        });
    }

    net::awaitable<void> stand()
    {
        stand_until_ = clock::now() + how_.timeout;
        if (how_.is_driver) {
            const bool ready = co_await until_said(program_->ready(), stand_until_);
            if (!ready)
                co_return no_stall("it did not say READY");
            (void)program_->tell("start"); // ignoring: a driver that does not read does not stall
        }
        co_await await_stalls();
        if (obstacle_)
            co_return;
        co_await await_its_word();
        find_connections();
        if (watched_.empty() && wanted().at != kill_point::resolve)
            co_return no_stall("the kernel shows no connection of it to the origin");
        if (wanted().at == kill_point::idle_peer_closed)
            (void)scene_->close_at_origin(); // what is left to be seen of it, the kernel shows
        co_await wait_for_kernel();
    }

    /// Whether the exchange is over at the kill point.
    bool is_complete() const
    {
        return wanted().at == kill_point::idle || wanted().at == kill_point::idle_peer_closed;
    }

    /// At a complete exchange, of one that speaks: until it has said so as well. What it says of
    /// that must not be taken for its word after the kill.
    net::awaitable<void> await_its_word()
    {
        if (is_complete() && speaks_of_its_end())
            co_await until_settled(std::min<clock::duration>(left(), grace));
    }

    /// Until that event or the program's end. False: it ended, or the time is over.
    net::awaitable<bool> until_said(event& what, clock::time_point until)
    {
        while (!what.is_set() && program_->lives() && clock::now() < until)
            co_await program_->anything(until - clock::now());
        co_return what.is_set();
    }

    void no_stall(const std::string& why)
    {
        std::string text =
            fmt::format("{} did not come to {}: {}", wanted().subject, word(wanted().at), why);
        if (!program_->lives())
            text += "; it had ended by " + program_->how_it_ended();
        in_the_way("stall_not_reached", text + elsewhere() + ".");
    }

    /// Whether it connects to somebody who is not the origin.
    std::string elsewhere()
    {
        const auto own = open_inodes();
        const auto all = list_sockets();
        std::string text;
        for (const auto& each : all ? *all : std::vector<kernel::socket_view>{})
            if (own.contains(each.inode) && !is_to_origin(each))
                text += (text.empty() ? "; it is connected to " : ", ") + to_string(each.peer);
        return text;
    }

    net::awaitable<void> await_stalls()
    {
        if (wanted().at == kill_point::resolve) {
            obstacle_ = co_await scene_->name_was_asked_for(stand_until_ - clock::now());
            co_return;
        }
        if (wanted().at == kill_point::connect)
            co_return co_await await_syn_sent();
        if (is_complete()) {
            auto failed = co_await scene_->origin_answered(wanted().requests, left());
            if (failed)
                explain_missing(failed);
            co_return;
        }
        for (unsigned i = 0; i < wanted().requests; ++i) {
            const auto stalled = co_await scene_->next_stall(left());
            // With its own end in view the hold line suffices: it may have given up before.
            if (!stalled && wanted().by == kill_method::own && !watched_.empty()) {
                co_await until_settled(left());
                if (program_->is_done() || !program_->lives())
                    co_return;
            }
            if (!stalled)
                co_return explain_missing(stalled.error());
        }
    }

    void explain_missing(const boost::system::error_code& why)
    {
        const auto& seen = scene_->origin_connections();
        if (seen.empty())
            return no_stall("it made no connection to the origin");
        std::string text = fmt::format(
            "{} of {} requests reached the stall ({})",
            std::ranges::count_if(seen, [](const auto& each) { return each.stalled; }),
            wanted().requests,
            why.message()
        );
        for (const auto& each : seen)
            if (!each.fault.empty())
                text += "; the origin found fault with a request: " + each.fault;
        no_stall(text);
    }

    clock::duration left() const
    {
        return std::max<clock::duration>(stand_until_ - clock::now(), 0s);
    }

    net::awaitable<void> await_syn_sent()
    {
        net::steady_timer pace(io_);
        for (;;) {
            find_connections();
            if (std::ranges::any_of(watched_, [](const watched& each) {
                    return each.follow->client.latest.state == tcp_state::SYN_SENT;
                }))
                co_return;
            if (clock::now() >= stand_until_ || !program_->lives())
                co_return no_stall("no socket of it is in SYN_SENT");
            pace.expires_after(5ms);
            auto [cancelled] = co_await pace.async_wait(net::as_tuple(net::use_awaitable));
            (void)cancelled;
        }
    }

    /// Those of the probe's namespace.
    kernel::result<std::vector<kernel::socket_view>> list_sockets() const
    {
        const auto inside = scene_->enter();
        return kernel::list_tcp_sockets();
    }

    bool is_to_origin(const kernel::socket_view& each) const
    {
        return unmapped(each.peer) == unmapped(scene_->peer());
    }

    /// The inodes of all socket descriptors of the program and its descendants.
    std::set<std::uint32_t> open_inodes() const
    {
        std::set<std::uint32_t> out;
        for (const auto pid : program_->processes())
            if (const auto open = kernel::socket_descriptors(pid))
                for (const auto& each : *open)
                    out.insert(each.inode);
        return out;
    }

    /// Takes in every connection to the origin that is not known yet: of the program, by the
    /// kernel's listing, which also shows what the origin has not accepted.
    void find_connections()
    {
        const auto all = list_sockets();
        if (!all)
            return in_the_way("kernel_refused", "listing sockets: " + all.error().message());
        for (const auto& each : *all) {
            const bool known = std::ranges::any_of(watched_, [&](const watched& one) {
                return one.record.client->cookie == each.cookie;
            });
            if (!known && is_to_origin(each) && !scene_->is_origins_own(each.local))
                take_in(each);
        }
    }

    void take_in(const kernel::socket_view& seen)
    {
        watched& one = watched_.emplace_back();
        end& near = one.record.client.emplace();
        near.cookie = seen.cookie;
        near.inode = seen.inode;
        near.local = seen.local;
        near.peer = seen.peer;
        one.follow.emplace(scene_->executor(), scene_->diag(), start_);
        one.follow->client.record = &near;
        one.follow->client.descriptor_open = [this, &near] {
            return near.inode != 0 && inodes_.contains(near.inode);
        };
        link_origin(one);
        one.follow->listen_to(scene_->watch());
        one.follow->ask();
        note_origin(one);
    }

    /// The origin's end of a connection, once it has been accepted.
    void link_origin(watched& one)
    {
        const auto& at_origin = scene_->origin_connections();
        for (std::size_t i = 0; i < at_origin.size(); ++i) {
            if (unmapped(at_origin[i].id.peer) != unmapped(one.record.client->local) ||
                at_origin[i].id.cookie == 0)
                continue;
            one.origin_index = i;
            end& other = one.record.origin.emplace();
            other.cookie = at_origin[i].id.cookie;
            other.local = at_origin[i].id.local;
            other.peer = at_origin[i].id.peer;
            one.follow->origin.record = &other;
            one.follow->origin.descriptor_open = [this, i] {
                return scene_->origin_has_descriptor(i);
            };
            return;
        }
    }

    void note_origin(watched& one)
    {
        if (one.origin_index == origin::server::no_index)
            link_origin(one); // it may have waited to be accepted when it was taken in
        if (one.origin_index == origin::server::no_index)
            return;
        const auto& seen = scene_->origin_connections()[one.origin_index];
        one.record.request_bytes = seen.request_bytes;
        one.record.response_bytes = seen.response_bytes;
        one.record.complete = seen.complete;
    }

    /// Why the kernel does not show that connection where the kill point wants it.
    std::optional<std::string> missing(const watched& one) const
    {
        if (one.origin_index != origin::server::no_index) {
            const auto& seen = scene_->origin_connections()[one.origin_index];
            // A client that does not read has reached its stall where the origin cannot write on.
            if (seen.rest_blocked)
                return std::nullopt;
            if (!seen.stalled)
                return std::nullopt; // one that nobody uses is told by its bytes
        }
        // A client that sees the peer's FIN and closes has done what it should.
        if (wanted().at == kill_point::idle_peer_closed && !one.follow->client.latest.owned)
            return std::nullopt;
        const auto& origin = one.follow->origin;
        return not_ready(
            wanted(),
            one.follow->client.latest,
            origin.record == nullptr ? std::nullopt : std::optional(origin.latest)
        );
    }

    net::awaitable<void> wait_for_kernel()
    {
        net::steady_timer pace(io_);
        std::optional<std::string> lacking;
        for (auto wait = first_wait;; wait = std::min<microseconds>(wait * 2, longest_wait)) {
            lacking.reset();
            for (auto& each : watched_) {
                note_origin(each);
                each.follow->ask();
                if (auto text = missing(each))
                    lacking = std::move(text);
            }
            const bool own_end =
                wanted().by == kill_method::own && (program_->is_done() || !program_->lives());
            if (!lacking || own_end)
                break;
            if (clock::now() >= stand_until_ || !program_->lives())
                co_return no_stall(*lacking);
            pace.expires_after(wait);
            auto [cancelled] = co_await pace.async_wait(net::as_tuple(net::use_awaitable));
            (void)cancelled;
        }
        for (auto& each : watched_) {
            note_queues(*each.record.client, each.follow->client.latest);
            if (each.record.origin)
                note_queues(*each.record.origin, each.follow->origin.latest);
        }
    }

    static void note_queues(end& of, const look& seen)
    {
        of.unread_at_kill_bytes = unread_in(seen);
        of.unsent_at_kill_bytes = unsent_in(seen);
    }

    // ---- the kill ------------------------------------------------------------------------------

    net::awaitable<void> kill()
    {
        scene_->start_counting();
        report_.kill.at_ns = now_ns();
        // After an exchange that was complete it has said already that it is done with that.
        if (family_of(wanted().by) != kill_family::own)
            program_->forget_done();
        switch (family_of(wanted().by)) {
        case kill_family::process:
            co_return co_await by_signal(number_of(wanted().by));
        case kill_family::outside:
            co_return co_await from_outside();
        default:
            co_return co_await by_itself();
        }
    }

    /// Until it has ended or said that it is done, at most so long.
    net::awaitable<void> until_settled(clock::duration limit)
    {
        const auto until = clock::now() + limit;
        while (program_->lives() && !program_->is_done() && clock::now() < until)
            co_await program_->anything(until - clock::now());
    }

    /// Also one whose end has not been told yet.
    bool has_ended() const
    {
        siginfo_t status{};
        const auto pid = static_cast<id_t>(program_->pid());
        const bool known = ::waitid(P_PID, pid, &status, WEXITED | WNOHANG | WNOWAIT) == 0;
        return !program_->lives() || (known && status.si_pid != 0);
    }

    bool speaks_of_its_end() const { return how_.is_driver || !how_.hold.empty(); }

    /// Of one that catches its signal.
    clock::duration time_to_settle() const
    {
        return speaks_of_its_end() ? clock::duration(patience) : grace;
    }

    net::awaitable<void> by_signal(int number)
    {
        const auto how = subject::disposition_of(program_->pid(), number);
        if (how == subject::disposition::ignored)
            co_return in_the_way(
                "signal_ignored",
                fmt::format(
                    "{} ignores signal {} (SigIgn in /proc/{}/status): the kill cannot happen. "
                    "SIGKILL would do.",
                    wanted().subject,
                    number,
                    program_->pid()
                )
            );
        if (has_ended())
            co_return in_the_way(
                "fault_not_delivered",
                fmt::format(
                    "{} had ended before signal {} could be sent ({}).",
                    wanted().subject,
                    number,
                    program_->how_it_ended().empty() ? "just now" : program_->how_it_ended()
                )
            );
        const bool waits = number != SIGKILL && number != SIGSTOP;
        if (waits && subject::is_stopped(program_->pid()))
            co_return stays_pending(number);
        const bool to_group = wanted().signal_to == signal_target::group;
        if (::kill(to_group ? -program_->pid() : program_->pid(), number) != 0)
            co_return in_the_way(
                "fault_not_delivered", fmt::format("kill(2): {}.", kernel::errno_name(errno))
            );
        if (number == SIGSTOP)
            co_return co_await until_stopped();
        const bool caught = how == subject::disposition::caught;
        if (!caught)
            co_await until_said(program_->ended(), clock::now() + patience);
        else
            co_await until_settled(time_to_settle());
        co_await until_delivered(number);
        const std::string by_it = "signal " + std::to_string(number);
        if (!program_->lives() && !caught && program_->how_it_ended() != by_it)
            co_return in_the_way(
                "fault_not_delivered",
                fmt::format(
                    "Signal {} was sent, but the process ended by {}.",
                    number,
                    program_->how_it_ended()
                )
            );
        if (!program_->lives())
            report_.kill.confirmed_by = "wait status: " + program_->how_it_ended();
        else if (!caught)
            co_return in_the_way(
                "fault_not_delivered",
                fmt::format("Signal {} was sent, but the process lives on.", number)
            );
        else if (subject::is_pending(program_->pid(), number))
            co_return stays_pending(number);
        else
            report_.kill.confirmed_by = fmt::format("it caught signal {} and lives on", number);
        if (program_->lives() && !program_->is_done())
            report_.warnings.push_back(fmt::format(
                "{} caught the signal and did not say that it is done: it is looked at as one that "
                "lives on.",
                wanted().subject
            ));
    }

    /// A busy process takes its signal a little later.
    net::awaitable<void> until_delivered(int number)
    {
        const auto until = clock::now() + grace;
        while (program_->lives() && subject::is_pending(program_->pid(), number) &&
               !subject::is_stopped(program_->pid()) && clock::now() < until)
            co_await program_->anything(looks_at_pending);
    }

    void stays_pending(int number)
    {
        in_the_way(
            "fault_not_delivered",
            fmt::format(
                "{} {}: signal {} stays pending. SIGKILL would do.",
                wanted().subject,
                subject::is_stopped(program_->pid()) ? "is stopped (state T)" : "blocks it",
                number
            )
        );
    }

    net::awaitable<void> until_stopped()
    {
        net::signal_set children(io_, SIGCHLD);
        for (;;) {
            siginfo_t status{};
            const auto pid = static_cast<id_t>(program_->pid());
            const int answer =
                ::waitid(P_PID, pid, &status, WSTOPPED | WEXITED | WNOHANG | WNOWAIT);
            if (answer == 0 && status.si_pid != 0 && status.si_code == CLD_STOPPED) {
                report_.kill.confirmed_by = "wait status: stopped by signal 19";
                co_return;
            }
            if (answer != 0 || status.si_pid != 0)
                co_return in_the_way(
                    "fault_not_delivered", "The process ended instead of stopping."
                );
            auto [failed, number] = co_await children.async_wait(net::as_tuple(net::use_awaitable));
            (void)number;
            if (failed)
                co_return in_the_way("fault_not_delivered", "The wait was cancelled.");
        }
    }

    net::awaitable<void> from_outside()
    {
        std::size_t count = 0;
        switch (wanted().by) {
        case kill_method::sock_destroy:
            for (auto& each : watched_) {
                const end& client = *each.record.client;
                if (scene_->diag().destroy({client.cookie, client.local, client.peer}))
                    ++count;
            }
            break;
        case kill_method::peer_close:
            count = scene_->close_at_origin();
            break;
        case kill_method::peer_reset:
            count = scene_->reset_at_origin();
            break;
        default: // peer_silent: the origin goes on saying nothing
            report_.kill.confirmed_by = "the origin says nothing more";
            if (wanted().at != kill_point::idle)
                co_await until_settled(usual_end());
            co_return;
        }
        if (count == 0)
            co_return in_the_way("fault_not_delivered", "There was no connection left to end.");
        report_.kill.confirmed_by = fmt::format("{} of its connections were ended", count);
        // A client that asks again is a correct one, and gets its answer.
        scene_->make_origin_healthy();
        if (speaks_of_its_end())
            co_await until_settled(grace);
    }

    /// Enough for its own timeout, as often as it may apply: to connect, to write, to read.
    clock::duration usual_end() const { return 3 * how_.own_timeout + grace; }

    /// Of a command that says nothing of its timeout, as long as it may take to its stall.
    clock::duration time_for_own_end() const
    {
        return how_.is_driver ? usual_end() : std::max<clock::duration>(usual_end(), how_.timeout);
    }

    net::awaitable<void> by_itself()
    {
        if (how_.is_driver)
            (void)program_->tell("cancel"); // ignoring: a mode with a timeout of its own needs none
        co_await until_settled(time_for_own_end());
        if (!program_->lives())
            report_.kill.confirmed_by = "it ended by itself: " + program_->how_it_ended();
        else if (program_->is_done())
            report_.kill.confirmed_by = "it said that it is done";
        else if (!how_.is_driver)
            co_return in_the_way(
                "own_end_not_seen",
                fmt::format(
                    "{} did not come to its own end within {} s; a program that ends, or a larger "
                    "--timeout, would do.",
                    wanted().subject,
                    std::chrono::duration_cast<std::chrono::seconds>(time_for_own_end()).count()
                )
            );
        else
            report_.warnings.push_back(fmt::format(
                "{} neither ended nor said that it is done: it is looked at as one that never came "
                "to its end.",
                wanted().subject
            ));
        // Its own end is the kill, whatever was seen of it on the way.
        report_.kill.at_ns = now_ns();
    }

    // ---- the looks -----------------------------------------------------------------------------

    net::awaitable<void> first_look()
    {
        // What it has started may close a little later than itself.
        const bool lives = wanted().by != kill_method::stop && !program_->processes().empty();
        inodes_ = open_inodes();
        // By index: another connection may arrive meanwhile.
        for (std::size_t i = 0; i < watched_.size(); ++i)
            co_await watched_[i].follow->follow(first_times, after_kill_settled);
        if (lives)
            co_await settle();
        inodes_ = open_inodes();
        find_connections();
        for (auto& each : watched_) {
            note_origin(each);
            each.follow->ask();
            auto& client = *each.record.client;
            client.after_kill = each.follow->client.latest;
            if (each.record.origin)
                each.record.origin->after_kill = each.follow->origin.latest;
            client.port.bindable_after_kill = try_port(client);
            if (client.after_kill->owned)
                name_holders(client);
            note_running_holder(client);
        }
        count_zombies();
        note_process();
        scene_->on_arrival({}); // what comes from now on is no part of what was killed
    }

    bool is_anything_open() const
    {
        return std::ranges::any_of(watched_, [](const watched& each) {
            return each.follow->client.latest.owned;
        });
    }

    /// The settle times of a client that lives on; the later ones while anything is open.
    net::awaitable<void> settle()
    {
        const auto done = clock::now();
        net::steady_timer pace(io_);
        for (const auto& time : how_.settle) {
            if (!is_anything_open() && &time != &how_.settle.front())
                co_return;
            pace.expires_at(done + time);
            auto [cancelled] = co_await pace.async_wait(net::as_tuple(net::use_awaitable));
            (void)cancelled;
            inodes_ = open_inodes();
            find_connections();
            for (auto& each : watched_)
                each.follow->ask();
        }
    }

    void name_holders(end& client)
    {
        auto found = kernel::find_holders(client.inode, program_->processes());
        if (found.holders.empty())
            found = kernel::find_holders(client.inode);
        client.holders = std::move(found.holders);
    }

    /// `stop` excuses only those who are stopped.
    void note_running_holder(const end& client)
    {
        if (wanted().by != kill_method::stop)
            return;
        for (const holder& each : client.holders)
            if (!subject::is_stopped(each.pid)) {
                report_.kill.confirmed_by.clear();
                in_the_way(
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

    /// Descriptors of its processes whose TCP socket no listing shows.
    void count_zombies()
    {
        const auto all = list_sockets();
        if (!all)
            return;
        std::set<std::uint32_t> listed;
        for (const auto& each : *all)
            listed.insert(each.inode);
        for (const auto pid : program_->processes())
            if (const auto open = kernel::socket_descriptors(pid))
                for (const auto& each : *open)
                    if (each.protocol.starts_with("TCP") && !listed.contains(each.inode))
                        ++zombies_;
    }

    /// One more request with the same client, where it can be asked for one.
    net::awaitable<void> ask_whether_it_works()
    {
        if (!how_.is_driver || !program_->lives() || wanted().by == kill_method::stop ||
            wanted().at == kill_point::resolve || wanted().at == kill_point::connect)
            co_return;
        scene_->make_origin_healthy();
        (void)program_->tell("health"); // ignoring: no answer is an answer as well
        const bool said = co_await until_said(program_->healthy(), clock::now() + health_limit);
        works_ = said && program_->says_healthy();
    }

    /// A program that holds still until it is told to go on is told so.
    net::awaitable<void> release()
    {
        if (how_.release_hold.empty() || !program_->is_done())
            co_return;
        (void)program_->tell(how_.release_hold); // ignoring: it is ended soon, if it reads or not
        co_await until_said(program_->ended(), clock::now() + grace);
    }

    net::awaitable<void> second_look()
    {
        const bool stalls = wanted().after == after_action::stall;
        const auto times = stalls ? std::span<const microseconds>(once)
                                  : std::span<const microseconds>(second_times);
        inodes_ = open_inodes();
        for (auto& each : watched_) {
            if (!each.record.client->after_kill)
                continue;
            co_await each.follow->follow(times, after_origin_settled);
            auto& client = *each.record.client;
            client.after_origin = each.follow->client.latest;
            if (each.record.origin)
                each.record.origin->after_origin = each.follow->origin.latest;
            client.port.bindable_after_origin = try_port(client);
        }
    }

    std::optional<bool> try_port(end& client)
    {
        const int refused = scene_->try_bind(client.local);
        if (refused == 0)
            return true;
        if (refused != EADDRINUSE)
            return std::nullopt;
        client.port.error = kernel::errno_name(refused);
        return false;
    }

    /// As it is now; at the first look for good: what it does once the origin has let go is no
    /// part of how it took its kill.
    void note_process()
    {
        if (!program_)
            return;
        auto& out = report_.process.emplace();
        out.pid = program_->pid();
        out.command = program_->command();
        out.ended = program_->how_it_ended();
        out.lives = program_->lives();
        out.is_done = program_->is_done();
        out.baseline = how_.baseline;
        out.zombie_fds = zombies_;
    }

    net::io_context& io_;
    scene_maker& maker_;
    subject::client_order how_;
    clock::time_point start_;
    clock::time_point stand_until_;
    report report_;
    std::optional<obstacle> obstacle_;
    std::unique_ptr<scene> scene_;
    std::shared_ptr<program> program_;
    std::deque<watched> watched_; ///< a deque: followers refer to what is in it
    std::set<std::uint32_t> inodes_;
    unsigned zombies_ = 0;
    std::optional<bool> works_;
};

} // namespace

net::awaitable<report> run_external(
    net::io_context& io, scene_maker& maker, plan what, std::string id, subject::client_order how
)
{
    external_run one(io, maker, std::move(what), std::move(id), std::move(how));
    co_return co_await one.go();
}

} // namespace finwait
