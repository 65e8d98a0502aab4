#include "daemon/schedule/calendar_reader.hpp"

#include "web/json/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace finwait::daemon {

namespace {

constexpr std::size_t longest_expression = 128;

// Leaves the reading; does not leave this source.
struct unreadable : std::runtime_error
{
    using std::runtime_error::runtime_error;
};

using shorthand = std::pair<std::string_view, std::string_view>;
constexpr std::array<shorthand, 11> shorthands{{
    {"minutely", "*-*-* *:*:00"},
    {"hourly", "*-*-* *:00:00"},
    {"daily", "*-*-* 00:00:00"},
    {"monthly", "*-*-01 00:00:00"},
    {"weekly", "Mon *-*-* 00:00:00"},
    {"yearly", "*-01-01 00:00:00"},
    {"annually", "*-01-01 00:00:00"},
    {"quarterly", "*-01,04,07,10-01 00:00:00"},
    {"semiannually", "*-01,07-01 00:00:00"},
    {"semi-annually", "*-01,07-01 00:00:00"},
    {"anually", "*-01-01 00:00:00"}, // systemd.time(7) takes this misspelling too
}};

constexpr std::array<std::string_view, 14> weekday_names{
    "mon",
    "tue",
    "wed",
    "thu",
    "fri",
    "sat",
    "sun",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday"};

std::string lower(std::string_view text)
{
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return out;
}

std::vector<std::string_view> split(std::string_view text, std::string_view at)
{
    std::vector<std::string_view> parts;
    for (auto end = text.find(at); end != std::string_view::npos; end = text.find(at)) {
        parts.push_back(text.substr(0, end));
        text.remove_prefix(end + at.size());
    }
    parts.push_back(text);
    return parts;
}

// A part of a date or a time: what people call it, and its numbers.
struct part
{
    std::string_view what;
    int least = 0;
    int most = 0;
};

int number_of(std::string_view text, const part& of)
{
    int number = 0;
    const char* const last = text.data() + text.size();
    const auto [end, failed] = std::from_chars(text.data(), last, number);
    if (failed != std::errc{} || end != last || number < of.least || number > of.most)
        throw unreadable(fmt::format(
            "{} is no {}: a number from {} to {}", in_quotes(text), of.what, of.least, of.most
        ));
    return number;
}

// How far a range goes, and in which steps.
struct range
{
    int from = 0;
    int to = 0;
    int step = 1;
};

// `*`, `3`, `3..7`, each with `/STEP`.
range range_of(std::string_view text, const part& of)
{
    const auto slash = text.find('/');
    const auto span = text.substr(0, slash);
    range out{.from = of.least, .to = of.most};
    if (slash != std::string_view::npos)
        out.step = number_of(text.substr(slash + 1), {"step", 1, of.most});
    if (span == "*")
        return out;
    const auto ends = split(span, "..");
    if (ends.size() > 2)
        throw unreadable(fmt::format("{} has more than one `..`", in_quotes(span)));
    out.from = number_of(ends.front(), of);
    // A start with a step goes on to the end, alone it is itself.
    out.to = ends.size() == 2                  ? number_of(ends.back(), of)
             : slash == std::string_view::npos ? out.from
                                               : of.most;
    if (out.to < out.from)
        throw unreadable(fmt::format("{} ends before it begins", in_quotes(span)));
    return out;
}

template <std::size_t Size>
std::bitset<Size> numbers(std::string_view text, const part& of)
{
    std::bitset<Size> out;
    for (const auto each : split(text, ",")) {
        const range one = range_of(each, of);
        for (int i = one.from; i <= one.to; i += one.step)
            out.set(static_cast<std::size_t>(i - of.least));
    }
    return out;
}

std::size_t weekday_of(std::string_view text)
{
    const auto found = std::find(weekday_names.begin(), weekday_names.end(), lower(text));
    if (found == weekday_names.end())
        throw unreadable(fmt::format(
            "{} is no weekday: {}", in_quotes(text), suggestion(lower(text), weekday_names)
        ));
    return static_cast<std::size_t>(found - weekday_names.begin()) % 7;
}

std::bitset<7> weekdays(std::string_view text)
{
    std::bitset<7> out;
    for (const auto each : split(text, ",")) {
        const auto ends = split(each, "..");
        if (ends.size() > 2)
            throw unreadable(fmt::format("{} has more than one `..`", in_quotes(each)));
        const std::size_t last = weekday_of(ends.back());
        const std::size_t first = weekday_of(ends.front());
        if (last < first)
            throw unreadable(fmt::format("{} ends before it begins", in_quotes(each)));
        for (std::size_t day = first; day <= last; ++day)
            out.set(day);
    }
    return out;
}

using fields = calendar::fields;

// [YEAR-]MONTH-DAY
void read_date(std::string_view text, fields& out)
{
    auto parts = split(text, "-");
    if (parts.size() == 2)
        parts.insert(parts.begin(), "*");
    if (parts.size() != 3)
        throw unreadable(fmt::format("{} is no date: write *-*-01 or 2030-12-24", in_quotes(text)));
    static constexpr part year{"year", fields::first_year, fields::last_year};
    out.years = numbers<fields::last_year - fields::first_year + 1>(parts[0], year);
    out.months = numbers<12>(parts[1], {"month", 1, 12});
    out.days = numbers<31>(parts[2], {"day", 1, 31});
}

// HOUR:MINUTE[:SECOND]
void read_time(std::string_view text, fields& out)
{
    auto parts = split(text, ":");
    if (parts.size() == 2)
        parts.push_back("0");
    if (parts.size() != 3)
        throw unreadable(fmt::format("{} is no time: write 03:15 or *:0/15", in_quotes(text)));
    out.hours = numbers<24>(parts[0], {"hour", 0, 23});
    out.minutes = numbers<60>(parts[1], {"minute", 0, 59});
    out.seconds = numbers<60>(parts[2], {"second", 0, 59});
}

std::vector<std::string_view> words_of(std::string_view text)
{
    std::vector<std::string_view> out;
    for (const auto each : split(text, " "))
        if (!each.empty())
            out.push_back(each);
    return out;
}

void refuse_what_is_not_understood(std::string_view text)
{
    if (text.size() > longest_expression)
        throw unreadable(fmt::format("is longer than {} bytes", longest_expression));
    if (text.find('~') != std::string_view::npos)
        throw unreadable("`~`, days from a month's end, is not understood; write the day's number");
    if (text.find('.') != std::string_view::npos && text.find("..") == std::string_view::npos)
        throw unreadable("fractions of a second are not understood");
}

// What the words are is seen by their first byte and by `:`; each kind at most once, in order.
fields read_words(std::vector<std::string_view> words)
{
    fields out;
    out.weekdays.set();
    read_date("*-*-*", out);
    read_time("00:00:00", out);
    if (!words.empty() && words.back() == "UTC") {
        out.is_utc = true;
        words.pop_back();
    }
    auto word = words.begin();
    const auto is_letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    };
    if (word != words.end() && is_letter(word->front()))
        out.weekdays = weekdays(*word++);
    if (word != words.end() && word->find(':') == std::string_view::npos)
        read_date(*word++, out);
    if (word != words.end())
        read_time(*word++, out);
    if (word != words.end())
        throw unreadable(fmt::format(
            "{} was not expected: weekdays, date, time and UTC, in this order", in_quotes(*word)
        ));
    return out;
}

// A single word of letters that is no weekday was meant to be a shorthand.
[[noreturn]] void refuse_word(std::string_view text)
{
    std::vector<std::string_view> right;
    right.reserve(shorthands.size() + weekday_names.size());
    for (const auto& [name, means] : shorthands)
        right.push_back(name);
    right.insert(right.end(), weekday_names.begin(), weekday_names.end());
    const auto near = nearest(text, right);
    throw unreadable(fmt::format(
        "{} is no calendar expression: {}",
        in_quotes(text),
        near ? fmt::format("did you mean {}?", in_quotes(*near))
             : "write hourly, daily, Mon..Fri 04:00 or *-*-* 03:15:00"
    ));
}

fields read(std::string_view text)
{
    refuse_what_is_not_understood(text);
    auto words = words_of(text);
    if (words.empty())
        throw unreadable("is empty; write hourly, daily, Mon..Fri 04:00 or *-*-* 03:15:00");
    const std::string first = lower(words.front());
    for (const auto& [name, means] : shorthands)
        if (name == first && (words.size() == 1 || (words.size() == 2 && words[1] == "UTC"))) {
            fields out = read_words(words_of(means));
            out.is_utc = words.size() == 2;
            return out;
        }
    const bool is_word = std::all_of(first.begin(), first.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || c == '-';
    });
    const auto is_weekday = std::find(weekday_names.begin(), weekday_names.end(), first);
    if (words.size() == 1 && is_word && is_weekday == weekday_names.end())
        refuse_word(words.front());
    return read_words(std::move(words));
}

} // namespace

std::variant<calendar::fields, std::string> read_calendar(std::string_view text)
{
    try {
        return read(text);
    } catch (const unreadable& error) {
        return std::string(error.what());
    }
}

} // namespace finwait::daemon
