#include "probe/external/kill.hpp"

#include "probe/kernel/socket_facts.hpp"

#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include <signal.h>
#include <sys/wait.h>

namespace finwait::external {
namespace {

using namespace std::chrono_literals;

/// How often it is asked whether a signal is still pending, for which there is no event.
constexpr auto looks_at_pending = 20ms;

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

class program_kill
{
public:
    program_kill(experiment& it, watched_connections& all) : it_(it), all_(all) {}

    net::awaitable<void> kill()
    {
        it_.set->start_counting();
        it_.seen.kill.at_ns = it_.now_ns();
        // After an exchange that was complete it has said already that it is done with that.
        if (family_of(it_.wanted().by) != kill_family::own)
            it_.client->forget_done();
        switch (family_of(it_.wanted().by)) {
        case kill_family::process:
            co_return co_await by_signal(number_of(it_.wanted().by));
        case kill_family::outside:
            co_return co_await from_outside();
        default:
            co_return co_await by_itself();
        }
    }

private:
    /// Also one whose end has not been told yet.
    bool has_ended() const
    {
        siginfo_t status{};
        const auto pid = static_cast<id_t>(it_.client->pid());
        const bool known = ::waitid(P_PID, pid, &status, WEXITED | WNOHANG | WNOWAIT) == 0;
        return !it_.client->lives() || (known && status.si_pid != 0);
    }

    /// Of one that catches its signal.
    clock::duration time_to_settle() const
    {
        return it_.speaks_of_its_end() ? clock::duration(patience) : grace;
    }

    net::awaitable<void> by_signal(int number)
    {
        const auto how = subject::disposition_of(it_.client->pid(), number);
        if (how == subject::disposition::ignored)
            co_return it_.in_the_way(
                "signal_ignored",
                fmt::format(
                    "{} ignores signal {} (SigIgn in /proc/{}/status): the kill cannot happen. "
                    "SIGKILL would do.",
                    it_.wanted().subject,
                    number,
                    it_.client->pid()
                )
            );
        if (has_ended())
            co_return it_.in_the_way(
                "fault_not_delivered",
                fmt::format(
                    "{} had ended before signal {} could be sent ({}).",
                    it_.wanted().subject,
                    number,
                    it_.client->how_it_ended().empty() ? "just now" : it_.client->how_it_ended()
                )
            );
        const bool waits = number != SIGKILL && number != SIGSTOP;
        if (waits && subject::is_stopped(it_.client->pid()))
            co_return stays_pending(number);
        const bool to_group = it_.wanted().signal_to == signal_target::group;
        if (::kill(to_group ? -it_.client->pid() : it_.client->pid(), number) != 0)
            co_return it_.in_the_way(
                "fault_not_delivered", fmt::format("kill(2): {}.", kernel::errno_name(errno))
            );
        if (number == SIGSTOP)
            co_return co_await until_stopped();
        const bool caught = how == subject::disposition::caught;
        if (!caught)
            co_await it_.until_said(it_.client->ended(), clock::now() + patience);
        else
            co_await it_.until_settled(time_to_settle());
        co_await until_delivered(number);
        const std::string by_it = "signal " + std::to_string(number);
        if (!it_.client->lives() && !caught && it_.client->how_it_ended() != by_it)
            co_return it_.in_the_way(
                "fault_not_delivered",
                fmt::format(
                    "Signal {} was sent, but the process ended by {}.",
                    number,
                    it_.client->how_it_ended()
                )
            );
        if (!it_.client->lives())
            it_.seen.kill.confirmed_by = "wait status: " + it_.client->how_it_ended();
        else if (!caught)
            co_return it_.in_the_way(
                "fault_not_delivered",
                fmt::format("Signal {} was sent, but the process lives on.", number)
            );
        else if (subject::is_pending(it_.client->pid(), number))
            co_return stays_pending(number);
        else
            it_.seen.kill.confirmed_by = fmt::format("it caught signal {} and lives on", number);
        if (it_.client->lives() && !it_.client->is_done())
            it_.seen.warnings.push_back(fmt::format(
                "{} caught the signal and did not say that it is done: it is looked at as one that "
                "lives on.",
                it_.wanted().subject
            ));
    }

    /// A busy process takes its signal a little later.
    net::awaitable<void> until_delivered(int number)
    {
        const auto until = clock::now() + grace;
        while (it_.client->lives() && subject::is_pending(it_.client->pid(), number) &&
               !subject::is_stopped(it_.client->pid()) && clock::now() < until)
            co_await it_.client->anything(looks_at_pending);
    }

    void stays_pending(int number)
    {
        it_.in_the_way(
            "fault_not_delivered",
            fmt::format(
                "{} {}: signal {} stays pending. SIGKILL would do.",
                it_.wanted().subject,
                subject::is_stopped(it_.client->pid()) ? "is stopped (state T)" : "blocks it",
                number
            )
        );
    }

    net::awaitable<void> until_stopped()
    {
        net::signal_set children(it_.io, SIGCHLD);
        for (;;) {
            siginfo_t status{};
            const auto pid = static_cast<id_t>(it_.client->pid());
            const int answer =
                ::waitid(P_PID, pid, &status, WSTOPPED | WEXITED | WNOHANG | WNOWAIT);
            if (answer == 0 && status.si_pid != 0 && status.si_code == CLD_STOPPED) {
                it_.seen.kill.confirmed_by = "wait status: stopped by signal 19";
                co_return;
            }
            if (answer != 0 || status.si_pid != 0)
                co_return it_.in_the_way(
                    "fault_not_delivered", "The process ended instead of stopping."
                );
            auto [failed, number] = co_await children.async_wait(net::as_tuple(net::use_awaitable));
            (void)number;
            if (failed)
                co_return it_.in_the_way("fault_not_delivered", "The wait was cancelled.");
        }
    }

    net::awaitable<void> from_outside()
    {
        std::size_t count = 0;
        switch (it_.wanted().by) {
        case kill_method::sock_destroy:
            for (auto& each : all_.list) {
                const end& client = *each.record.client;
                if (it_.set->diag().destroy({client.cookie, client.local, client.peer}))
                    ++count;
            }
            break;
        case kill_method::peer_close:
            count = it_.set->close_at_origin();
            break;
        case kill_method::peer_reset:
            count = it_.set->reset_at_origin();
            break;
        default: // peer_silent: the origin goes on saying nothing, which the first look confirms
            if (it_.wanted().at != kill_point::idle)
                co_await it_.until_settled(usual_end());
            co_return;
        }
        if (count == 0)
            co_return it_.in_the_way("fault_not_delivered", "There was no connection left to end.");
        it_.seen.kill.confirmed_by = fmt::format("{} of its connections were ended", count);
        // A client that asks again is a correct one, and gets its answer.
        it_.set->make_origin_healthy();
        if (it_.speaks_of_its_end())
            co_await it_.until_settled(grace);
    }

    /// Enough for its own timeout, as often as it may apply: to connect, to write, to read.
    clock::duration usual_end() const { return 3 * it_.how.own_timeout + grace; }

    /// Of a command that says nothing of its timeout, as long as it may take to its stall.
    clock::duration time_for_own_end() const
    {
        return it_.how.is_driver ? usual_end()
                                 : std::max<clock::duration>(usual_end(), it_.how.timeout);
    }

    net::awaitable<void> by_itself()
    {
        if (it_.how.is_driver)
            (void)it_.client->tell("cancel"
            ); // ignoring: a mode with a timeout of its own needs none
        co_await it_.until_settled(time_for_own_end());
        if (!it_.client->lives())
            it_.seen.kill.confirmed_by = "it ended by itself: " + it_.client->how_it_ended();
        else if (it_.client->is_done())
            it_.seen.kill.confirmed_by = "it said that it is done";
        else if (!it_.how.is_driver)
            co_return it_.in_the_way(
                "own_end_not_seen",
                fmt::format(
                    "{} did not come to its own end within {} s; a program that ends, or a larger "
                    "--timeout, would do.",
                    it_.wanted().subject,
                    std::chrono::duration_cast<std::chrono::seconds>(time_for_own_end()).count()
                )
            );
        else
            it_.seen.warnings.push_back(fmt::format(
                "{} neither ended nor said that it is done: it is looked at as one that never came "
                "to its end.",
                it_.wanted().subject
            ));
        // Its own end is the kill, whatever was seen of it on the way.
        it_.seen.kill.at_ns = it_.now_ns();
    }

    experiment& it_;
    watched_connections& all_;
};

} // namespace

net::awaitable<void> kill(experiment& it, watched_connections& all)
{
    program_kill one(it, all);
    co_await one.kill();
}

} // namespace finwait::external
