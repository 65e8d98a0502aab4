// Wall time as text: RFC 3339 in UTC, `2026-01-31T12:00:00.123456Z`.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace finwait::json {

/// Always 27 characters: microseconds (cut, not rounded) and `Z`.
std::string to_text(std::chrono::system_clock::time_point when);

/// The inverse, for 0 to 9 digits of a fraction; nullopt for anything else: another offset than
/// `Z`, a day that is not in the calendar, a leap second, a year before 1678 or after 2261 (what
/// 64 bits of nanoseconds hold).
std::optional<std::chrono::system_clock::time_point> time_from_text(std::string_view text);

} // namespace finwait::json
