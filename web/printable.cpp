#include "web/printable.hpp"

#include <fmt/format.h>

#include <cstdint>

namespace finwait {

namespace {

struct code_point
{
    std::uint32_t value = 0;
    std::size_t bytes = 0; ///< 0: no UTF-8
};

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
code_point decode(std::string_view text)
{
    const auto byte = [&](std::size_t i) {
        return static_cast<unsigned char>(text[i]);
    };
    const unsigned first = byte(0);
    if (first < 0x80)
        return {first, 1};
    const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < length)
        return {};
    std::uint32_t value = first & (0xFFU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0U) != 0x80U)
            return {};
        value = value << 6 | (byte(i) & 0x3FU);
    }
    const bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
    if (overlong || (value >= 0xD800 && value <= 0xDFFF) || value > 0x10FFFF)
        return {};
    return {value, length};
}

bool is_bidi_control(std::uint32_t c)
{
    return c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069);
}

} // namespace

std::string printable(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const auto [value, bytes] = decode(text);
        if (bytes == 0)
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
        else if (value < 0x20 || (value >= 0x7F && value <= 0x9F))
            out += fmt::format("\\x{:02x}", value);
        else if (is_bidi_control(value) || value == 0x2028 || value == 0x2029)
            out += fmt::format("\\u{:04x}", value);
        else
            out += text.substr(0, bytes);
        text.remove_prefix(bytes == 0 ? 1 : bytes);
    }
    return out;
}

std::size_t columns_of(std::string_view text)
{
    std::size_t columns = 0;
    for (const char c : text)
        if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U)
            ++columns;
    return columns;
}

std::string padded(std::string text, std::size_t width)
{
    const std::size_t columns = columns_of(text);
    if (columns < width)
        text.append(width - columns, ' ');
    return text;
}

} // namespace finwait
