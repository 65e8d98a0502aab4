#include "web/json/time.hpp"

#include <fmt/format.h>

#include <cstdint>

namespace finwait::json {

namespace {

using std::chrono::system_clock;

/// Takes exactly `digits` decimal digits off the front.
std::optional<unsigned> take_number(std::string_view& text, std::size_t digits)
{
    if (text.size() < digits)
        return std::nullopt;
    unsigned number = 0;
    for (const char c : text.substr(0, digits)) {
        if (c < '0' || c > '9')
            return std::nullopt;
        number = number * 10 + static_cast<unsigned>(c - '0');
    }
    text.remove_prefix(digits);
    return number;
}

bool take(std::string_view& text, char wanted)
{
    if (text.empty() || text.front() != wanted)
        return false;
    text.remove_prefix(1);
    return true;
}

/// A number of so many digits with that character behind it.
std::optional<unsigned> take_field(std::string_view& text, std::size_t digits, char behind)
{
    const auto number = take_number(text, digits);
    return number && take(text, behind) ? number : std::nullopt;
}

/// What follows the seconds: nothing or a fraction, then `Z`. In nanoseconds.
std::optional<std::chrono::nanoseconds> take_fraction(std::string_view text)
{
    std::uint64_t ns = 0;
    if (take(text, '.')) {
        std::uint64_t unit = 100'000'000;
        if (text.size() < 2)
            return std::nullopt;
        for (; unit > 0 && !text.empty() && text.front() != 'Z'; unit /= 10) {
            const auto digit = take_number(text, 1);
            if (!digit)
                return std::nullopt;
            ns += *digit * unit;
        }
        if (unit == 100'000'000) // a point and no digit
            return std::nullopt;
    }
    if (text != "Z")
        return std::nullopt;
    return std::chrono::nanoseconds(static_cast<std::int64_t>(ns));
}

} // namespace

std::string to_text(system_clock::time_point when)
{
    const auto us = std::chrono::floor<std::chrono::microseconds>(when);
    const auto day = std::chrono::floor<std::chrono::days>(us);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(us - day);
    return fmt::format(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
        static_cast<int>(date.year()),
        static_cast<unsigned>(date.month()),
        static_cast<unsigned>(date.day()),
        time.hours().count(),
        time.minutes().count(),
        time.seconds().count(),
        time.subseconds().count()
    );
}

std::optional<system_clock::time_point> time_from_text(std::string_view text)
{
    const auto year = take_field(text, 4, '-');
    const auto month = year ? take_field(text, 2, '-') : std::nullopt;
    const auto day = month ? take_field(text, 2, 'T') : std::nullopt;
    const auto hour = day ? take_field(text, 2, ':') : std::nullopt;
    const auto minute = hour ? take_field(text, 2, ':') : std::nullopt;
    const auto second = minute ? take_number(text, 2) : std::nullopt;
    const auto fraction = second ? take_fraction(text) : std::nullopt;
    if (!fraction || *hour > 23 || *minute > 59 || *second > 59 || *year < 1678 || *year > 2261)
        return std::nullopt;
    const auto date = std::chrono::year(static_cast<int>(*year)) / std::chrono::month(*month) /
                      std::chrono::day(*day);
    if (!date.ok())
        return std::nullopt;
    return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
           std::chrono::seconds(*second) + *fraction;
}

} // namespace finwait::json
