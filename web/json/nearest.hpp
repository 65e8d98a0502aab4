// What a wrong word was probably meant to be.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace finwait {

/// The right word that is nearest to a wrong one: fewest insertions, deletions, replacements and
/// swaps of neighbours; case and `-` for `_` cost nothing. nullopt when none is near enough (more
/// than a third of the word would change) or the word is longer than any sensible one. The first
/// of equally near words. Pure.
std::optional<std::string_view>
nearest(std::string_view wrong, std::span<const std::string_view> right);

/// `did you mean "close"?`, or, when nothing is near, `one of: throw, cancel, …`.
std::string suggestion(std::string_view wrong, std::span<const std::string_view> right);

/// A text for an error message: in double quotes, cut to 64 bytes, control bytes as `\xNN`.
std::string in_quotes(std::string_view text);

} // namespace finwait
