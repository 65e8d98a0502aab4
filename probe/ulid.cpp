#include "probe/ulid.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <system_error>
#include <tuple>

#include <sys/random.h>

namespace finwait {

namespace {

constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; // Crockford's base 32
constexpr std::size_t ulid_length = 26;
constexpr std::int64_t latest_ms = (std::int64_t{1} << 48) - 1;

using entropy = std::array<std::uint8_t, 10>; ///< 80 bits, most significant byte first

/// Fetched from the kernel for many at a time: a call for each would cost more than all the rest.
entropy random_bits()
{
    static std::array<std::uint8_t, 64 * std::tuple_size_v<entropy>> pool;
    static std::size_t used = pool.size();
    if (used == pool.size()) {
        for (std::size_t have = 0; have < pool.size();) {
            const auto got = getrandom(pool.data() + have, pool.size() - have, 0);
            if (got < 0 && errno != EINTR)
                throw std::system_error(errno, std::generic_category(), "getrandom");
            have += got > 0 ? static_cast<std::size_t>(got) : 0;
        }
        used = 0;
    }
    entropy bits{};
    std::copy_n(pool.begin() + used, bits.size(), bits.begin());
    used += bits.size();
    return bits;
}

/// Adds one; false when all 80 bits were set.
bool increment(entropy& bits)
{
    return std::any_of(bits.rbegin(), bits.rend(), [](std::uint8_t& byte) { return ++byte != 0; });
}

/// Five bits at a time, from the least significant end: 48 + 80 bits fill 26 digits less two bits.
std::string encode(std::int64_t ms, const entropy& bits)
{
    std::array<std::uint8_t, 16> all{};
    for (std::size_t i = 0; i < 6; ++i)
        all[i] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
    std::copy(bits.begin(), bits.end(), all.begin() + 6);

    std::string text(ulid_length, '0');
    std::uint32_t pool = 0;
    unsigned pooled = 0;
    std::size_t byte = all.size();
    for (auto digit = text.rbegin(); digit != text.rend(); ++digit, pool >>= 5, pooled -= 5) {
        if (pooled < 5) {
            pool |= byte == 0 ? 0U : static_cast<std::uint32_t>(all[--byte]) << pooled;
            pooled += 8;
        }
        *digit = alphabet[pool & 31];
    }
    return text;
}

} // namespace

std::string make_ulid(std::chrono::system_clock::time_point now)
{
    static std::int64_t last_ms = -1;
    static entropy last{};

    const auto since_epoch = std::chrono::floor<std::chrono::milliseconds>(now).time_since_epoch();
    const auto ms = std::clamp<std::int64_t>(since_epoch.count(), 0, latest_ms);
    // The clock may stand still or go back: the same millisecond counts up instead, as the ULID
    // specification's "monotonicity" says; when the bits run out, the next millisecond is used.
    if (ms > last_ms) {
        last_ms = ms;
        last = random_bits();
    } else if (!increment(last)) {
        ++last_ms;
    }
    return encode(last_ms, last);
}

bool is_ulid(std::string_view text)
{
    const auto in_alphabet = [](char c) {
        return alphabet.find(c) != std::string_view::npos;
    };
    return text.size() == ulid_length && text.front() <= '7' &&
           std::all_of(text.begin(), text.end(), in_alphabet);
}

} // namespace finwait
