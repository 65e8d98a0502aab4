// Sizes and times as people write them on the command line.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace finwait::daemon {

/// Bytes: digits, or digits with k, m or g (times 1024, any case): `64k`, `8M`, `100`.
/// nullopt: something else, or more than 2^63 - 1.
std::optional<std::uint64_t> parse_size(std::string_view text);

/// A duration: digits with ms, s, m or h: `500ms`, `8s`, `1h`. nullopt: something else, or more
/// than a year.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// A whole number from `least` to `most`, in digits alone. nullopt: something else.
std::optional<std::uint64_t>
parse_count(std::string_view text, std::uint64_t least, std::uint64_t most);

/// A size for people: `100 B`, `64 KiB`, `8 MiB`, `1.5 KiB`.
std::string show_size(std::uint64_t bytes);

/// A duration for people, three digits that count: `812 us`, `2.40 ms`, `61.0 s`, `5.4 min`.
std::string show_duration(std::int64_t ns);

} // namespace finwait::daemon
