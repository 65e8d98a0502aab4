// Identifiers that sort by time: ULID, 26 characters of Crockford's base 32.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace finwait {

/// A new one, of that moment (48 bits of ms since 1970, 80 random bits, getrandom(2)).
/// Two of the same process never come out equal, and later calls sort later, whatever the clock
/// does. One thread only. Throws std::system_error when the kernel has no random bits.
std::string make_ulid(std::chrono::system_clock::time_point now);

/// Whether a text is a ULID: 26 characters of 0-9 A-Z without I, L, O, U, the first at most 7.
bool is_ulid(std::string_view text);

} // namespace finwait
