#include "daemon/recipe_version.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <compare>
#include <utility>

namespace finwait::daemon {

namespace {

constexpr std::string_view digits = "0123456789";

// Takes `1.21.3` off the front. Empty: there is none, or a number too large to be one of a version.
version take_version(std::string_view& text)
{
    version numbers;
    for (;;) {
        unsigned number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc{})
            return {};
        numbers.push_back(number);
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        const bool goes_on =
            text.size() > 1 && text[0] == '.' && digits.find(text[1]) != std::string_view::npos;
        if (!goes_on)
            return numbers;
        text.remove_prefix(1);
    }
}

std::strong_ordering compare(const version& a, const version& b)
{
    for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
        const unsigned left = i < a.size() ? a[i] : 0;
        const unsigned right = i < b.size() ? b[i] : 0;
        if (left != right)
            return left <=> right;
    }
    return std::strong_ordering::equal;
}

std::string_view trimmed(std::string_view text)
{
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<version_bound> parse_bound(std::string_view text)
{
    // The longer sign of two that begin alike comes first.
    static constexpr std::array<std::pair<std::string_view, version_relation>, 5> signs{{
        {">=", version_relation::at_least},
        {"<=", version_relation::at_most},
        {"==", version_relation::equal},
        {">", version_relation::above},
        {"<", version_relation::below},
    }};
    for (const auto& [sign, relation] : signs) {
        if (!text.starts_with(sign))
            continue;
        text = trimmed(text.substr(sign.size()));
        version limit = take_version(text);
        if (limit.empty() || !text.empty())
            return std::nullopt;
        return version_bound{relation, std::move(limit)};
    }
    return std::nullopt;
}

bool holds(std::strong_ordering found, version_relation relation)
{
    switch (relation) {
    case version_relation::at_least:
        return found >= 0;
    case version_relation::above:
        return found > 0;
    case version_relation::below:
        return found < 0;
    case version_relation::at_most:
        return found <= 0;
    case version_relation::equal:
        break;
    }
    return found == 0;
}

} // namespace

std::optional<version> version_in(std::string_view text)
{
    std::optional<version> lone;
    while (!text.empty()) {
        const auto begin = text.find_first_of(digits);
        if (begin == std::string_view::npos)
            break;
        text.remove_prefix(begin);
        if (version numbers = take_version(text); numbers.size() > 1)
            return numbers;
        else if (!lone && !numbers.empty())
            lone = std::move(numbers);
        const auto end = text.find_first_not_of(digits);
        text.remove_prefix(std::min(end, text.size()));
    }
    return lone;
}

std::optional<std::vector<version_bound>> parse_version_bounds(std::string_view text)
{
    std::vector<version_bound> bounds;
    for (;;) {
        const auto comma = text.find(',');
        auto bound = parse_bound(trimmed(text.substr(0, comma)));
        if (!bound)
            return std::nullopt;
        bounds.push_back(std::move(*bound));
        if (comma == std::string_view::npos)
            return bounds;
        text.remove_prefix(comma + 1);
    }
}

bool is_within(const version& what, std::span<const version_bound> bounds)
{
    return std::all_of(bounds.begin(), bounds.end(), [&](const version_bound& each) {
        return holds(compare(what, each.limit), each.relation);
    });
}

} // namespace finwait::daemon
