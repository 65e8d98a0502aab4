#include "daemon/schedule/timetable.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace finwait::daemon {

namespace {

using std::chrono::system_clock;

// How long after a refusal it is tried again.
constexpr std::chrono::minutes refused_for{1};

// Less than that late is on time: a loaded machine, a clock that was corrected.
constexpr std::chrono::minutes late_from{1};

// Missed times of a calendar are walked through one by one; beyond that many nobody counts.
constexpr std::uint64_t most_missed = 10'000;

std::string utc(system_clock::time_point when)
{
    return fmt::format("{:%FT%TZ}", fmt::gmtime(system_clock::to_time_t(when)));
}

} // namespace

std::string why_late(const due_audit& what, system_clock::time_point now)
{
    const auto late = now - what.planned;
    if (late < late_from && what.missed == 0)
        return {};
    std::string text = fmt::format(
        "audit {} was missed at {}, {} s ago",
        what.name,
        utc(what.planned),
        std::chrono::duration_cast<std::chrono::seconds>(late).count()
    );
    if (what.missed > 0)
        text +=
            fmt::format(", and {}{} before", what.missed, what.missed == 1 ? " time" : " times");
    return text + ": it is run once now";
}

// For a calendar the newest time that passed is the one that counts, those before it were missed.
void timetable::count_missed(entry& one, time_point now)
{
    if (!one.planned || *one.planned > now)
        return;
    if (one.every && one.every->count() > 0)
        one.missed += static_cast<std::uint64_t>((now - *one.planned) / *one.every);
    if (!one.at)
        return;
    for (auto later = one.at->next(*one.planned); later && *later <= now;
         later = one.at->next(*later)) {
        one.planned = later;
        if (++one.missed >= most_missed) {
            one.planned = now;
            return;
        }
    }
}

// A calendar goes on from the start of the run: what passed while it ran, or since, is due.
void timetable::plan_after(entry& one, const past_run& run, time_point now)
{
    one.missed = 0;
    one.planned.reset();
    if (one.every)
        one.planned = run.ended + *one.every;
    else if (one.at)
        one.planned = one.at->next(std::min(run.started, now));
}

timetable::entry timetable::planned(const audit_settings& of, const last_run& last, time_point now)
{
    entry out{.name = of.name, .every = of.every, .calendar_text = of.calendar};
    if (of.calendar)
        if (const auto read = calendar::parse(*of.calendar); std::holds_alternative<calendar>(read))
            out.at = std::get<calendar>(read);
    if (const auto run = last ? last(of.name) : std::nullopt)
        plan_after(out, *run, now);
    else if (out.every)
        out.planned = now;
    else if (out.at)
        out.planned = out.at->next(now);
    return out;
}

void timetable::set(const std::vector<audit_settings>& audits, const last_run& last, time_point now)
{
    std::vector<entry> entries;
    entries.reserve(audits.size());
    for (const audit_settings& each : audits) {
        const entry* const old = find(each.name);
        const bool is_same =
            old != nullptr && old->every == each.every && old->calendar_text == each.calendar;
        entry& made = entries.emplace_back(is_same ? *old : planned(each, last, now));
        if (old != nullptr)
            made.running_since = old->running_since;
    }
    entries_ = std::move(entries);
}

std::vector<due_audit> timetable::due(time_point now)
{
    std::vector<due_audit> out;
    for (entry& each : entries_) {
        const auto next = next_of(each, now);
        if (!next)
            continue;
        each.planned = next; // for good, also where a clock that was set back brought it nearer
        if (*next > now)
            continue;
        count_missed(each, now);
        out.push_back({each.name, *each.planned, std::exchange(each.missed, 0)});
        each.planned.reset();
    }
    std::stable_sort(out.begin(), out.end(), [](const due_audit& a, const due_audit& b) {
        return a.planned < b.planned;
    });
    return out;
}

void timetable::started(std::string_view name, time_point now)
{
    if (entry* const one = find(name))
        one->running_since = now;
}

void timetable::ended(std::string_view name, time_point now)
{
    entry* const one = find(name);
    if (one == nullptr)
        return;
    const time_point started = one->running_since.value_or(now);
    one->running_since.reset();
    plan_after(*one, {.started = started, .ended = now}, now);
}

void timetable::refused(std::string_view name, time_point now)
{
    entry* const one = find(name);
    if (one == nullptr)
        return;
    one->running_since.reset();
    one->planned = now + refused_for;
    ++one->missed;
}

// A clock that was set back makes a planned time too far away: no further than a fresh start.
std::optional<timetable::time_point> timetable::next_of(const entry& one, time_point now)
{
    if (one.running_since || !one.planned)
        return std::nullopt;
    std::optional<time_point> fresh;
    if (one.every)
        fresh = now + *one.every;
    else if (one.at)
        fresh = one.at->next(now);
    return fresh ? std::min(*one.planned, *fresh) : *one.planned;
}

std::optional<timetable::time_point> timetable::next(std::string_view name, time_point now) const
{
    const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const entry& each) {
        return each.name == name;
    });
    return found == entries_.end() ? std::nullopt : next_of(*found, now);
}

std::optional<timetable::time_point> timetable::next(time_point now) const
{
    std::optional<time_point> earliest;
    for (const entry& each : entries_)
        if (const auto next = next_of(each, now); next && (!earliest || *next < *earliest))
            earliest = next;
    return earliest;
}

timetable::entry* timetable::find(std::string_view name)
{
    const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const entry& each) {
        return each.name == name;
    });
    return found == entries_.end() ? nullptr : &*found;
}

} // namespace finwait::daemon
