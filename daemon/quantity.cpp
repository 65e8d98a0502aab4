#include "daemon/quantity.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace finwait::daemon {

namespace {

struct number_and_unit
{
    std::uint64_t number = 0;
    std::string_view unit;
};

std::optional<number_and_unit> split(std::string_view text)
{
    number_and_unit out;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, out.number);
    if (error != std::errc{})
        return std::nullopt;
    out.unit = text.substr(static_cast<std::size_t>(end - text.data()));
    return out;
}

template <std::size_t Size>
std::optional<std::uint64_t> scaled(
    const number_and_unit& read,
    const std::array<std::pair<std::string_view, std::uint64_t>, Size>& units,
    std::uint64_t most
)
{
    for (const auto& [unit, factor] : units)
        if (unit == read.unit)
            return read.number <= most / factor ? std::optional(read.number * factor)
                                                : std::nullopt;
    return std::nullopt;
}

} // namespace

std::optional<std::uint64_t> parse_size(std::string_view text)
{
    static constexpr std::array<std::pair<std::string_view, std::uint64_t>, 7> units{{
        {"", 1},
        {"k", 1024},
        {"K", 1024},
        {"m", 1024 * 1024},
        {"M", 1024 * 1024},
        {"g", 1024 * 1024 * 1024},
        {"G", 1024 * 1024 * 1024},
    }};
    const auto read = split(text);
    if (!read)
        return std::nullopt;
    return scaled(*read, units, std::numeric_limits<std::int64_t>::max());
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text)
{
    static constexpr std::array<std::pair<std::string_view, std::uint64_t>, 4> units{
        {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};
    constexpr std::uint64_t year_ms = 366ULL * 24 * 3'600'000;
    const auto read = split(text);
    if (!read)
        return std::nullopt;
    const auto ms = scaled(*read, units, year_ms);
    if (!ms)
        return std::nullopt;
    return std::chrono::milliseconds(static_cast<std::int64_t>(*ms));
}

std::optional<std::uint64_t>
parse_count(std::string_view text, std::uint64_t least, std::uint64_t most)
{
    std::uint64_t number = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, number);
    if (error != std::errc{} || end != last || number < least || number > most)
        return std::nullopt;
    return number;
}

std::string show_size(std::uint64_t bytes)
{
    static constexpr std::array names{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024)
        return fmt::format("{} B", bytes);
    auto shown = static_cast<double>(bytes);
    std::size_t unit = 0;
    for (; shown >= 1024 && unit + 1 < names.size(); ++unit)
        shown /= 1024;
    const bool whole = shown == static_cast<double>(static_cast<std::uint64_t>(shown));
    return whole ? fmt::format("{:.0f} {}", shown, names[unit])
                 : fmt::format("{:.1f} {}", shown, names[unit]);
}

std::string show_duration(std::int64_t ns)
{
    static constexpr std::array<std::pair<double, std::string_view>, 4> units{
        {{60e9, "min"}, {1e9, "s"}, {1e6, "ms"}, {1e3, "us"}}};
    // A minute and a bit reads better in seconds: TIME_WAIT's 60 s is the number people know.
    for (const auto& [factor, name] : units) {
        const double shown = static_cast<double>(ns) / factor;
        if (shown < (name == "min" ? 2.0 : 1.0))
            continue;
        return shown < 10    ? fmt::format("{:.2f} {}", shown, name)
               : shown < 100 ? fmt::format("{:.1f} {}", shown, name)
                             : fmt::format("{:.0f} {}", shown, name);
    }
    return fmt::format("{} ns", ns);
}

} // namespace finwait::daemon
