#include "daemon/config/units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace finwait::daemon {

namespace {

using unit = std::pair<std::string_view, std::uint64_t>;

constexpr std::array<unit, 7> byte_units{{
    {"", 1},
    {"k", 1024},
    {"m", 1024 * 1024},
    {"g", 1024 * 1024 * 1024},
    {"kib", 1024},
    {"mib", 1024 * 1024},
    {"gib", 1024 * 1024 * 1024},
}};

// In ms, the largest first; `min` is another word for `m`.
constexpr std::array<unit, 7> span_units{{
    {"w", 7ULL * 24 * 3'600'000},
    {"d", 24ULL * 3'600'000},
    {"h", 3'600'000},
    {"m", 60'000},
    {"min", 60'000},
    {"s", 1000},
    {"ms", 1},
}};
constexpr std::uint64_t longest_span_ms = 10ULL * 366 * 24 * 3'600'000;

std::string lower(std::string_view text)
{
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return out;
}

// Takes digits off the front of a text.
std::optional<std::uint64_t> take_number(std::string_view& from)
{
    std::uint64_t number = 0;
    const char* const last = from.data() + from.size();
    const auto [end, failed] = std::from_chars(from.data(), last, number);
    if (failed != std::errc{})
        return std::nullopt;
    from.remove_prefix(static_cast<std::size_t>(end - from.data()));
    return number;
}

std::string_view take_word(std::string_view& from)
{
    const auto word = from.substr(0, from.find_first_of("0123456789"));
    from.remove_prefix(word.size());
    return word;
}

template <std::size_t Size>
std::uint64_t factor_of(const std::array<unit, Size>& units, std::string_view name)
{
    const auto found = std::find_if(units.begin(), units.end(), [&](const unit& each) {
        return each.first == name;
    });
    return found == units.end() ? 0 : found->second;
}

} // namespace

std::optional<std::uint64_t> parse_bytes(std::string_view text)
{
    const auto number = take_number(text);
    const auto factor = factor_of(byte_units, lower(text));
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (!number || factor == 0 || *number > most / factor)
        return std::nullopt;
    return *number * factor;
}

std::optional<std::chrono::milliseconds> parse_span(std::string_view text)
{
    std::uint64_t sum = 0;
    std::uint64_t before = std::numeric_limits<std::uint64_t>::max();
    do {
        const auto number = take_number(text);
        const auto factor = factor_of(span_units, take_word(text));
        if (!number || factor == 0 || factor >= before || *number > longest_span_ms / factor)
            return std::nullopt;
        sum += *number * factor;
        before = factor;
    } while (!text.empty());
    if (sum > longest_span_ms)
        return std::nullopt;
    return std::chrono::milliseconds(static_cast<std::int64_t>(sum));
}

std::string show_bytes(std::uint64_t bytes)
{
    static constexpr std::array<unit, 3> units{
        {{"GiB", 1024 * 1024 * 1024}, {"MiB", 1024 * 1024}, {"KiB", 1024}}};
    for (const auto& [name, factor] : units)
        if (bytes > 0 && bytes % factor == 0)
            return fmt::format("{}{}", bytes / factor, name);
    return std::to_string(bytes);
}

std::string show_span(std::chrono::milliseconds span)
{
    auto left = static_cast<std::uint64_t>(std::max<std::int64_t>(span.count(), 0));
    std::string out;
    for (const auto& [name, factor] : span_units)
        if (name != "min" && name != "w" && left >= factor) {
            out += fmt::format("{}{}", left / factor, name);
            left %= factor;
        }
    return out.empty() ? "0s" : out;
}

} // namespace finwait::daemon
