// Calendar expressions as systemd.time(7) has them: when an audit is due by the clock.
#pragma once

#include <bitset>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace finwait::daemon {

/// `hourly`, `daily`, `*-*-* 03:15:00`, `Mon..Fri 04:00`, `*:0/15`, `*-*-01 02:00 UTC`: weekdays,
/// a date and a time, each with lists (`,`), ranges (`..`) and steps (`/`). In local time, unless
/// it ends in `UTC`. Not understood: `~` (days from a month's end), fractions of seconds and other
/// time zones.
class calendar
{
public:
    /// Or a sentence that says what is wrong, with the nearest right word.
    static std::variant<calendar, std::string> parse(std::string_view text);

    /// The first moment after `after`, to the second. nullopt: never again (30 February, a year
    /// that is over). A moment that the change to summer time leaves out comes an hour later, one
    /// that occurs twice counts once (mktime(3)).
    std::optional<std::chrono::system_clock::time_point>
    next(std::chrono::system_clock::time_point after) const;

    /// What may be, of each part from its lowest number on. For the reader.
    struct fields
    {
        static constexpr int first_year = 1970;
        static constexpr int last_year = 2199;

        std::bitset<7> weekdays; ///< Monday first
        std::bitset<last_year - first_year + 1> years;
        std::bitset<12> months;
        std::bitset<31> days;
        std::bitset<24> hours;
        std::bitset<60> minutes;
        std::bitset<60> seconds;
        bool is_utc = false;
    };

private:
    explicit calendar(const fields& may) : may_(may) {}

    fields may_;
};

} // namespace finwait::daemon
