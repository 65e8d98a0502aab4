#include "daemon/schedule/calendar.hpp"

#include "daemon/schedule/calendar_reader.hpp"

#include <algorithm>
#include <ctime>
#include <optional>
#include <utility>

namespace finwait::daemon {

namespace {

using std::chrono::system_clock;
using fields = calendar::fields;

std::tm broken_down(std::time_t at, bool is_utc)
{
    std::tm out{};
    (void)(is_utc ? ::gmtime_r(&at, &out) : ::localtime_r(&at, &out));
    return out;
}

// Brings parts that are over their most (32 January, 24 o'clock) into order and sets the weekday.
// As if in UTC, where the clock never jumps: the search goes over what clocks show.
void normalize(std::tm& at)
{
    (void)::timegm(&at);
}

// When a local clock shows this. Of two moments the first; of none, in the hour that summer time
// leaves out, the one that the clock shows an hour later.
std::time_t local_moment(const std::tm& shown)
{
    // Which of the two comes first depends on the zone: Ireland's winter is its daylight saving
    // time.
    std::optional<std::time_t> first;
    std::time_t latest = 0;
    for (const int is_saving : {1, 0}) {
        std::tm tried = shown;
        tried.tm_isdst = is_saving;
        const std::time_t moment = ::mktime(&tried);
        if (tried.tm_isdst == is_saving && tried.tm_hour == shown.tm_hour &&
            tried.tm_min == shown.tm_min)
            first = std::min(first.value_or(moment), moment);
        latest = std::max(latest, moment);
    }
    return first.value_or(latest);
}

std::time_t moment_of(const std::tm& shown, bool is_utc)
{
    std::tm copy = shown;
    return is_utc ? ::timegm(&copy) : local_moment(shown);
}

template <std::size_t Size>
bool may_be(const std::bitset<Size>& which, int number)
{
    return number >= 0 && static_cast<std::size_t>(number) < Size &&
           which.test(static_cast<std::size_t>(number));
}

bool is_year(const fields& may, const std::tm& at)
{
    return may_be(may.years, at.tm_year + 1900 - fields::first_year);
}

bool is_day(const fields& may, const std::tm& at)
{
    return may_be(may.days, at.tm_mday - 1) && may_be(may.weekdays, (at.tm_wday + 6) % 7);
}

// The first moment of the next year, month, day, hour or minute.
void to_next_year(std::tm& at)
{
    at = {.tm_mday = 1, .tm_year = at.tm_year + 1};
}
void to_next_month(std::tm& at)
{
    at = {.tm_mday = 1, .tm_mon = at.tm_mon + 1, .tm_year = at.tm_year};
}
void to_next_day(std::tm& at)
{
    at = {.tm_mday = at.tm_mday + 1, .tm_mon = at.tm_mon, .tm_year = at.tm_year};
}
void to_next_hour(std::tm& at)
{
    at.tm_sec = 0;
    at.tm_min = 0;
    ++at.tm_hour;
}
void to_next_minute(std::tm& at)
{
    at.tm_sec = 0;
    ++at.tm_min;
}

// Goes on to where the largest part that is not allowed may be again; false: all parts are allowed.
bool go_on(const fields& may, std::tm& at)
{
    if (!is_year(may, at))
        to_next_year(at);
    else if (!may_be(may.months, at.tm_mon))
        to_next_month(at);
    else if (!is_day(may, at))
        to_next_day(at);
    else if (!may_be(may.hours, at.tm_hour))
        to_next_hour(at);
    else if (!may_be(may.minutes, at.tm_min))
        to_next_minute(at);
    else if (!may_be(may.seconds, at.tm_sec))
        ++at.tm_sec;
    else
        return false;
    return true;
}

} // namespace

std::variant<calendar, std::string> calendar::parse(std::string_view text)
{
    auto read = read_calendar(text);
    if (auto* const wrong = std::get_if<std::string>(&read))
        return std::move(*wrong);
    return calendar(std::get<fields>(read));
}

std::optional<system_clock::time_point> calendar::next(system_clock::time_point after) const
{
    const std::time_t past =
        system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(after));
    std::tm at = broken_down(past + 1, may_.is_utc);
    // Each turn leaves a year, a month, a day, an hour, a minute or a second behind.
    for (; at.tm_year + 1900 <= fields::last_year; normalize(at)) {
        if (go_on(may_, at))
            continue;
        // Not so for a moment that comes twice and has come once.
        if (const std::time_t found = moment_of(at, may_.is_utc); found > past)
            return system_clock::from_time_t(found);
        ++at.tm_sec;
    }
    return std::nullopt;
}

} // namespace finwait::daemon
