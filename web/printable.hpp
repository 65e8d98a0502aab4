// Text of others made safe for a terminal, and its width there.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace finwait {

/// The text with everything escaped that could command a terminal or mislead a reader: C0 (a
/// newline too), DEL, C1, the bidi controls (U+200E, U+200F, U+202A-202E, U+2066-2069), and bytes
/// that are no UTF-8. Escapes look like `\x1b` and `\u202e`.
std::string printable(std::string_view text);

/// Columns that a text of ours takes: its code points. Our own words hold no wide characters.
std::size_t columns_of(std::string_view text);

/// The text with spaces after it, at least `width` columns.
std::string padded(std::string text, std::size_t width);

} // namespace finwait
