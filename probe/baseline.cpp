#include "probe/baseline.hpp"

#include "probe/external_run.hpp"
#include "probe/model/possible.hpp"
#include "probe/ulid.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <exception>

namespace finwait {
namespace {

/// Successes, one after the other.
constexpr unsigned rounds = 5;

/// The probe that measures: all requests succeed, the client says so, nobody does it any harm.
plan successes_of(const plan& what, const subject::client_order& how)
{
    plan out;
    out.at = kill_point::idle;
    out.by = kill_method::own;
    out.subject = what.subject;
    out.family = what.family;
    out.tls = what.tls;
    out.requests = how.success_requests;
    return completed(out);
}

subject::client_order order_of(subject::client_order how)
{
    how.command = std::move(how.success_command);
    how.success_command.clear();
    how.baseline.reset();
    how.retries.reset();
    how.survives.reset();
    how.is_misuse = false;
    return how;
}

std::string why_not(const report& seen)
{
    return seen.reasons.empty() ? "nothing was judged" : seen.reasons.front().text;
}

} // namespace

unsigned kept_after(const report& of_successes)
{
    return static_cast<unsigned>(std::ranges::count_if(
        of_successes.connections,
        [](const connection& each) {
            if (!each.client || !each.client->after_kill || !each.complete)
                return false;
            const look& last = *each.client->after_kill;
            return last.state == tcp_state::ESTABLISHED && last.owned && unread_in(last) == 0 &&
                   last.wqueue == 0;
        }
    ));
}

bool baseline_book::can_measure(const subject::client_order& how)
{
    return how.is_driver && !how.success_command.empty();
}

baseline_book::shape baseline_book::shape_of(const plan& what, const subject::client_order& how)
{
    return {
        how.success_command,
        how.variables,
        how.directory,
        how.settle,
        how.own_timeout,
        how.success_requests,
        what.family,
        what.tls};
}

baseline_book::entry* baseline_book::known(const shape& wanted)
{
    const auto found =
        std::ranges::find_if(entries_, [&](const auto& each) { return each->of == wanted; });
    return found == entries_.end() ? nullptr : found->get();
}

void baseline_book::want(const plan& what, const subject::client_order& how)
{
    const shape wanted = shape_of(what, how);
    if (known(wanted) != nullptr)
        return;
    entries_.push_back(std::make_unique<entry>(entry{
        wanted, {}, /*is_done=*/false, net::steady_timer(io_)}));
    entry& made = *entries_.back();
    made.done.expires_at(net::steady_timer::time_point::max());
    net::co_spawn(
        io_,
        measure(what, how),
        [&made](std::exception_ptr failed, measured_baseline found) {
            made.found = std::move(found);
            if (failed)
                made.found = {std::nullopt, "an internal error"};
            made.is_done = true;
            made.done.cancel();
        }
    );
}

net::awaitable<measured_baseline> baseline_book::of(plan what, subject::client_order how)
{
    entry* const wanted = known(shape_of(what, how));
    if (!wanted->is_done) {
        auto [cancelled] = co_await wanted->done.async_wait(net::as_tuple(net::use_awaitable));
        (void)cancelled; // that is how it is told
    }
    co_return wanted->found;
}

net::awaitable<measured_baseline> baseline_book::measure(plan what, subject::client_order how)
{
    run_purpose purpose;
    purpose.rounds = rounds;
    const report seen = co_await run_external(
        io_,
        maker_,
        successes_of(what, how),
        make_ulid(std::chrono::system_clock::now()),
        order_of(how),
        purpose
    );
    measured_baseline found;
    const bool happened = seen.process && seen.process->lives && seen.kill.happened;
    if (seen.verdict == verdict::unverified || !happened)
        found.why_not = why_not(seen);
    else
        found.connections = kept_after(seen);
    co_return found;
}

} // namespace finwait
