#include "probe/follow.hpp"

#include <array>
#include <utility>

namespace finwait {

kernel::result<std::shared_ptr<destroy_watch>>
destroy_watch::start(net::io_context& io, int buffer_bytes)
{
    auto events = kernel::destroy_events::open(buffer_bytes);
    if (!events)
        return events.error();
    std::shared_ptr<destroy_watch> watch(new destroy_watch(io, std::move(*events)));
    watch->listen();
    return watch;
}

destroy_watch::destroy_watch(net::io_context& io, kernel::destroy_events events)
    : events_(std::move(events)), readable_(io, events_.fd())
{
}

void destroy_watch::subscribe(std::uint64_t cookie, std::function<void(cause)> woken)
{
    waiting_[cookie] = std::move(woken);
}

void destroy_watch::unsubscribe(std::uint64_t cookie)
{
    waiting_.erase(cookie);
}

void destroy_watch::stop()
{
    waiting_.clear();
    // The descriptor belongs to events_: given back before Asio would close it as well.
    if (readable_.is_open())
        readable_.release();
}

void destroy_watch::listen()
{
    readable_.async_wait(
        net::posix::stream_descriptor::wait_read,
        [self = shared_from_this()](boost::system::error_code failed) {
            if (failed)
                return;
            self->hand_out();
            if (self->readable_.is_open())
                self->listen();
        }
    );
}

void destroy_watch::hand_out()
{
    const auto got = events_.receive();
    if (!got || got->overrun) {
        // Something was lost: everybody looks again.
        for (const auto& [cookie, woken] : waiting_)
            woken(cause::events_lost);
    }
    if (!got)
        return;
    for (const auto cookie : got->cookies)
        if (const auto who = waiting_.find(cookie); who != waiting_.end())
            who->second(cause::destroyed);
}

follower::follower(
    const net::any_io_executor& executor, kernel::sock_diag& diag, clock::time_point start
)
    : diag_(&diag), start_(start), pace_(executor)
{
}

follower::~follower()
{
    if (!listens_)
        return;
    for (const auto* which : {&client, &origin})
        if (which->record != nullptr)
            watch_->unsubscribe(which->record->cookie);
}

void follower::listen_to(std::shared_ptr<destroy_watch> watch)
{
    watch_ = std::move(watch);
}

/// Most of what is followed is settled at the first question, and then there is no need to listen.
/// Nothing is missed: an event older than the question is part of its answer, and a younger one is
/// still to be handed out.
void follower::listen()
{
    if (!watch_ || listens_)
        return;
    listens_ = true;
    for (auto* const which : {&client, &origin})
        if (which->record != nullptr)
            watch_->subscribe(which->record->cookie, [this, which](destroy_watch::cause why) {
                which->destroyed = which->destroyed || why == destroy_watch::cause::destroyed;
                woken_ = true;
                pace_.cancel();
            });
}

void follower::ask()
{
    std::array<watched_end*, 2> asked{};
    std::array<kernel::socket_id, 2> questions;
    std::array<std::optional<kernel::socket_view>, 2> answers;
    std::size_t count = 0;
    for (auto* const which : {&client, &origin}) {
        if (which->record == nullptr)
            continue;
        questions[count] = {which->record->cookie, which->record->local, which->record->peer};
        asked[count++] = which;
    }
    if (const auto asking = diag_->look_up(std::span(questions).first(count), answers); !asking) {
        trouble_ = asking.error();
        return;
    }
    for (std::size_t i = 0; i < count; ++i)
        note(*asked[i], answers[i]);
}

void follower::note(watched_end& which, const std::optional<kernel::socket_view>& view)
{
    const auto source =
        std::exchange(which.destroyed, false) ? witness::destroy_event : witness::sock_diag;
    const auto before = which.asked_ns;
    which.asked_ns = now_ns();
    look seen;
    seen.at_ns = which.asked_ns;
    if (view) {
        seen.state = view->state;
        seen.owned = view->inode != 0;
        if (which.record->inode == 0)
            which.record->inode = view->inode;
        seen.minisock = view->minisock;
        seen.timer = view->timer;
        seen.expires_ms = view->expires_ms;
        seen.retransmits = view->retransmits;
        seen.rqueue = view->rqueue;
        seen.wqueue = view->wqueue;
    } else {
        seen.owned = which.descriptor_open && which.descriptor_open();
    }
    which.latest = seen;
    extend(which.record->states, seen, before, source);
}

void follower::extend(timeline& states, const look& seen, std::int64_t asked_before, witness source)
{
    if (!states.empty()) {
        interval& last = states.back();
        if (last.state == seen.state && last.owned == seen.owned && last.minisock == seen.minisock)
            return;
        last.to_ns = seen.at_ns;
    }
    interval next;
    next.state = seen.state;
    next.from_ns = seen.at_ns;
    next.uncertain_ns = seen.at_ns - asked_before;
    next.owned = seen.owned;
    next.minisock = seen.minisock;
    next.source = source;
    states.push_back(next);
}

net::awaitable<void> follower::follow(
    std::span<const std::chrono::microseconds> times,
    const std::function<done(const follower&)>& settled
)
{
    const auto begin = clock::now();
    for (auto next = times.begin(); next != times.end();) {
        const auto due = begin + *next;
        if (!woken_ && clock::now() < due) {
            listen();
            pace_.expires_at(due);
            auto [cancelled] = co_await pace_.async_wait(net::as_tuple(net::use_awaitable));
            (void)cancelled; // an event may have come: asked either way
        }
        woken_ = false;
        ask();
        if (settled(*this) == done::yes)
            co_return;
        while (next != times.end() && begin + *next <= clock::now())
            ++next;
    }
}

} // namespace finwait
