// Enumerations and their words. Every enumerator has exactly one word, the same in JSON, on the
// command line and in the table; the word tables stand next to the enumerations they name.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace finwait {

/// The words of an enumeration in the order of its enumerators, which count up from zero.
/// Specialise next to the enumeration: `static constexpr std::array table{...}` and
/// `static constexpr std::string_view what` (what a person calls the thing, for error messages).
template <class Enum>
struct words;

/// The word of an enumerator.
template <class Enum>
constexpr std::string_view word(Enum value)
{
    return words<Enum>::table[static_cast<std::size_t>(value)];
}

/// The enumerator with that word; nullopt when there is none. Exact, case-sensitive.
template <class Enum>
constexpr std::optional<Enum> from_word(std::string_view text)
{
    for (std::size_t i = 0; i < words<Enum>::table.size(); ++i)
        if (words<Enum>::table[i] == text)
            return static_cast<Enum>(i);
    return std::nullopt;
}

/// All enumerators in their order.
template <class Enum>
constexpr auto all_of()
{
    std::array<Enum, words<Enum>::table.size()> all{};
    for (std::size_t i = 0; i < all.size(); ++i)
        all[i] = static_cast<Enum>(i);
    return all;
}

} // namespace finwait
