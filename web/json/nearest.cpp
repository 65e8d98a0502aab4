#include "web/json/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace finwait {

namespace {

constexpr std::size_t longest = 64;

char folded(char c)
{
    if (c == '-')
        return '_';
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Optimal string alignment distance (Damerau 1964, restricted). Both at most `longest` bytes.
std::size_t distance(std::string_view a, std::string_view b)
{
    using row = std::array<std::size_t, longest + 1>;
    std::array<row, 3> rows{};
    for (std::size_t j = 0; j <= b.size(); ++j)
        rows[0][j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row& now = rows[i % 3];
        const row& above = rows[(i - 1) % 3];
        now[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const bool same = folded(a[i - 1]) == folded(b[j - 1]);
            now[j] = std::min({above[j] + 1, now[j - 1] + 1, above[j - 1] + (same ? 0U : 1U)});
            if (i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) &&
                folded(a[i - 2]) == folded(b[j - 1]))
                now[j] = std::min(now[j], rows[(i - 2) % 3][j - 2] + 1);
        }
    }
    return rows[a.size() % 3][b.size()];
}

} // namespace

std::optional<std::string_view>
nearest(std::string_view wrong, std::span<const std::string_view> right)
{
    if (wrong.empty() || wrong.size() > longest)
        return std::nullopt;
    std::optional<std::string_view> best;
    std::size_t least = longest;
    for (const auto candidate : right) {
        if (candidate.size() > longest)
            continue;
        const auto changes = distance(wrong, candidate);
        const auto allowed = std::max<std::size_t>(1, std::max(wrong.size(), candidate.size()) / 3);
        if (changes <= allowed && changes < least) {
            least = changes;
            best = candidate;
        }
    }
    return best;
}

std::string suggestion(std::string_view wrong, std::span<const std::string_view> right)
{
    if (const auto near = nearest(wrong, right); near)
        return fmt::format("did you mean {}?", in_quotes(*near));
    return fmt::format("one of: {}", fmt::join(right, ", "));
}

std::string in_quotes(std::string_view text)
{
    std::string out = "\"";
    for (const char c : text.substr(0, longest)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f)
            out += fmt::format("\\x{:02x}", byte);
        else
            out += c;
    }
    out += text.size() > longest ? "…\"" : "\"";
    return out;
}

} // namespace finwait
