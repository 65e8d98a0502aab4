#include "web/target.hpp"

#include <algorithm>

namespace finwait::web {

namespace {

/// RFC 3986: unreserved / sub-delims / ":" / "@", and "%" that begins an encoded byte.
bool is_path_character(char c)
{
    constexpr std::string_view marks = "-._~!$&'()*+,;=:@%";
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           marks.find(c) != std::string_view::npos;
}

int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/// nullopt for an incomplete encoding or one of a control byte.
std::optional<std::string> decoded(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
        const int byte = high * 16 + low;
        if (high < 0 || low < 0 || byte < 0x20 || byte == 0x7f)
            return std::nullopt;
        out += static_cast<char>(byte);
        i += 2;
    }
    return out;
}

/// What is before the first `mark`; `rest` becomes what is behind it.
std::string_view take_until(std::string_view& rest, char mark)
{
    const auto end = std::min(rest.find(mark), rest.size());
    const auto first = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return first;
}

bool read_segments(std::string_view path, target& out)
{
    for (bool more = true; more;) {
        more = path.find('/') != std::string_view::npos;
        const auto segment = decoded(take_until(path, '/'));
        if (!segment || *segment == "." || *segment == ".." ||
            segment->find_first_of("/\\") != std::string::npos)
            return false;
        out.segments.push_back(*segment);
    }
    return true;
}

bool read_query(std::string_view query, target& out)
{
    while (!query.empty()) {
        auto pair = take_until(query, '&');
        const auto key = decoded(take_until(pair, '='));
        const auto text = decoded(pair);
        if (!key || !text)
            return false;
        out.query.emplace_back(*key, *text);
    }
    return true;
}

} // namespace

std::optional<target> parse_target(std::string_view raw)
{
    if (!raw.starts_with('/'))
        return std::nullopt;
    auto query = raw;
    const auto path = take_until(query, '?');
    const auto may_stand_in_path = [](char c) {
        return c == '/' || is_path_character(c);
    };
    const auto may_stand_in_query = [](char c) {
        return c == '/' || c == '?' || is_path_character(c);
    };
    target out;
    out.path = path;
    if (!std::all_of(path.begin(), path.end(), may_stand_in_path) ||
        !std::all_of(query.begin(), query.end(), may_stand_in_query) ||
        !read_segments(path.substr(1), out) || !read_query(query, out))
        return std::nullopt;
    return out;
}

} // namespace finwait::web
