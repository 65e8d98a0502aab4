#include "web/json/text_table.hpp"

#include "web/printable.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <vector>

namespace finwait::json {

namespace {

using value = nlohmann::json;
using line = std::vector<std::string>;

constexpr std::size_t widest_cell = 80;

/// Cut between code points, so that no broken one is left.
std::string cut(std::string text)
{
    if (text.size() <= widest_cell)
        return text;
    std::size_t end = widest_cell;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
        --end;
    return text.substr(0, end) + "…";
}

std::string cell_of(const value& from, std::string_view pointer)
{
    const value::json_pointer where{std::string(pointer)};
    if (!from.contains(where))
        return "-";
    const value& what = from.at(where);
    if (what.is_null() || (what.is_string() && what.get_ref<const std::string&>().empty()))
        return "-";
    if (what.is_boolean())
        return what.get<bool>() ? "yes" : "no";
    if (what.is_structured())
        return std::to_string(what.size());
    if (what.is_string())
        return cut(printable(what.get_ref<const std::string&>()));
    return what.dump();
}

line line_of(const value& from, std::span<const column> columns)
{
    line out;
    for (const auto& each : columns)
        out.push_back(cell_of(from, each.pointer));
    return out;
}

std::string aligned(const std::vector<line>& lines)
{
    std::vector<std::size_t> widths(lines.front().size());
    for (const auto& each : lines)
        for (std::size_t i = 0; i < each.size(); ++i)
            widths[i] = std::max(widths[i], columns_of(each[i]));
    std::string text;
    for (const auto& each : lines) {
        for (std::size_t i = 0; i + 1 < each.size(); ++i)
            text += padded(each[i], widths[i] + 2);
        text += each.back() + "\n";
    }
    return text;
}

std::vector<line> with_headings(std::span<const column> columns)
{
    line headings;
    for (const auto& each : columns)
        headings.emplace_back(each.heading);
    return {std::move(headings)};
}

} // namespace

std::string text_table(std::span<const web::document> items, std::span<const column> columns)
{
    auto lines = with_headings(columns);
    for (const auto& each : items)
        lines.push_back(line_of(value::parse(*each, nullptr, /*allow_exceptions=*/false), columns));
    return aligned(lines);
}

std::string
text_table(const std::string& whole, std::string_view key, std::span<const column> columns)
{
    auto lines = with_headings(columns);
    const value from = value::parse(whole, nullptr, /*allow_exceptions=*/false);
    if (const auto list = from.find(std::string(key)); from.is_object() && list != from.end())
        for (const auto& each : *list)
            lines.push_back(line_of(each, columns));
    return aligned(lines);
}

} // namespace finwait::json
