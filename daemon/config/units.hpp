// Sizes and durations as the configuration has them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace finwait::daemon {

/// Digits, alone or with k, m, g, KiB, MiB or GiB (times 1024, any case): `256MiB`, `64k`.
/// nullopt: something else, or more than 2^63 - 1.
std::optional<std::uint64_t> parse_bytes(std::string_view text);

/// Numbers with w, d, h, m or min, s, ms, the larger unit first, each once: `7d`, `1h30m`, `90s`.
/// nullopt: something else, or more than ten years.
std::optional<std::chrono::milliseconds> parse_span(std::string_view text);

/// What parse_bytes() reads to the same number, in the largest unit that is exact.
std::string show_bytes(std::uint64_t bytes);

/// What parse_span() reads to the same duration; `0s` for none.
std::string show_span(std::chrono::milliseconds span);

} // namespace finwait::daemon
