#include "daemon/history_view.hpp"

#include "daemon/printable.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace finwait::daemon {

namespace {

std::string time_text(std::chrono::system_clock::time_point when)
{
    return fmt::format("{:%Y-%m-%d %H:%M:%S}", std::chrono::floor<std::chrono::seconds>(when));
}

std::string verdict_text(const std::string& verdict, const std::string& end, color use)
{
    const auto known = from_word<finwait::verdict>(verdict);
    const auto text = padded(
        (known ? signed_word(*known) : printable(verdict)) + (end.empty() ? "" : " " + end), 24
    );
    return known ? painted(text, *known, use) : text;
}

std::string cell_text(const json::cell_words& cell)
{
    std::string text =
        padded(printable(cell.at), 17) + padded(printable(cell.by), 15) +
        padded(printable(cell.subject) + (cell.target == "origin" ? "" : " " + cell.target), 12);
    text += cell.tls ? " https" : " http";
    if (cell.family != "ipv4")
        text += " " + printable(cell.family);
    if (cell.unread)
        text += " unread";
    if (cell.blocked)
        text += " blocked";
    if (cell.request_framing == "chunked")
        text += " request chunked";
    if (cell.response_framing != "length")
        text += " response " + printable(cell.response_framing);
    if (cell.signal_to != "leader")
        text += " to " + printable(cell.signal_to);
    if (cell.after != "close")
        text += " after " + printable(cell.after);
    return text;
}

std::string section(std::string_view title, const std::vector<json::diff_entry>& entries, color use)
{
    if (entries.empty())
        return {};
    std::string text = strong(fmt::format("{} ({})", title, entries.size()), use) + "\n";
    for (const auto& each : entries)
        text += fmt::format(
            "  {}\n    {} → {}\n",
            cell_text(each.cell),
            each.before.empty() ? "not run" : printable(each.before),
            each.after.empty() ? "not run" : printable(each.after)
        );
    return text + "\n";
}

} // namespace

std::string show(const std::vector<json::report_summary>& reports, const table_style& style)
{
    std::string text;
    for (const auto& each : reports)
        text += fmt::format(
            "{} {}  {}{}{}{} {}{}\n",
            each.as_expected ? " " : "!",
            time_text(each.started),
            padded(printable(each.at), 17),
            padded(printable(each.by), 15),
            padded(printable(each.subject), 12),
            verdict_text(each.verdict, each.end.value_or(""), style.use_color),
            printable(each.id),
            each.control ? "  control" : ""
        );
    return text.empty() ? "no reports\n" : text;
}

std::string show(const json::diff_summary& what, const table_style& style)
{
    const auto use = style.use_color;
    return fmt::format("{} → {}\n\n", printable(what.before), printable(what.after)) +
           section("new findings", what.new_ones, use) + section("fixed", what.fixed, use) +
           section("still there", what.still_there, use) + section("changed", what.changed, use) +
           fmt::format(
               "{} new, {} fixed, {} still there, {} changed, {} as before; {} cells only in the "
               "later audit, {} only in the earlier\n",
               what.new_ones.size(),
               what.fixed.size(),
               what.still_there.size(),
               what.changed.size(),
               what.unchanged,
               what.only_after.size(),
               what.only_before.size()
           );
}

} // namespace finwait::daemon
