#include "daemon/history/results.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace finwait::daemon {

namespace {

constexpr std::size_t most_ids_of_a_cell = 100;
/// Of an audit, to find the ids of its reports: an index is read, not the reports.
constexpr std::int64_t most_rows = 20'000;

json::cell_words cell_of(const query& row)
{
    const auto text = [&](int column) {
        return std::string(row.text(column));
    };
    return {
        .at = text(0),
        .by = text(1),
        .subject = text(2),
        .target = text(3),
        .family = text(4),
        .tls = row.integer(5) != 0,
        .unread = row.integer(6) != 0,
        .blocked = row.integer(7) != 0,
        .request_framing = text(8),
        .response_framing = text(9),
        .signal_to = text(10),
        .after = text(11)};
}

void add_kind(json::cell_results& to, const query& row)
{
    const auto which = from_word<verdict>(row.text(14)).value_or(verdict::unverified);
    to.verdicts[which] += static_cast<std::uint64_t>(row.integer(19));
    const std::string end(row.text(15));
    if (std::find(to.ends.begin(), to.ends.end(), end) == to.ends.end())
        to.ends.push_back(end);
    if (to.expected.empty())
        to.expected = row.text(16);
    to.control = to.control || row.integer(13) != 0;
    to.as_expected = to.as_expected && row.integer(17) != 0;
    to.finding = to.finding || row.integer(18) != 0;
}

auto order_of(const json::cell_results& what)
{
    // Words that this version does not know come last.
    const auto place = [](auto known) {
        return known ? static_cast<int>(*known) : 1000;
    };
    return std::tuple(
        place(from_word<kill_point>(what.cell.at)), place(from_word<kill_method>(what.cell.by))
    );
}

} // namespace

std::vector<json::cell_results> results_of(database& from, std::string_view audit, report_ids ids)
{
    std::map<std::int64_t, std::size_t> place_of_cell;
    std::map<std::int64_t, std::size_t> place_of_kind;
    std::vector<json::cell_results> cells;
    query rows = from.ask(
        "SELECT kill_point, kill_method, subject, target, family, tls, unread, blocked, "
        "request_framing, response_framing, signal_to, after_action, cell, control, verdict, "
        "end_state, expected, as_expected, finding, count, kind, first_report "
        "FROM tallies JOIN kinds USING (kind) JOIN cells USING (cell) WHERE audit = ?",
        audit
    );
    while (rows.next()) {
        const auto [found, is_new] = place_of_cell.try_emplace(rows.integer(12), cells.size());
        if (is_new)
            cells.emplace_back().cell = cell_of(rows);
        add_kind(cells[found->second], rows);
        place_of_kind[rows.integer(20)] = found->second;
        if (ids == report_ids::first)
            cells[found->second].reports.emplace_back(rows.text(21));
    }
    if (ids == report_ids::known) {
        query reports = from.ask(
            "SELECT kind, id FROM reports WHERE audit = ? ORDER BY id LIMIT ?", audit, most_rows
        );
        while (reports.next())
            if (const auto found = place_of_kind.find(reports.integer(0));
                found != place_of_kind.end() &&
                cells[found->second].reports.size() < most_ids_of_a_cell)
                cells[found->second].reports.emplace_back(reports.text(1));
    }
    std::sort(cells.begin(), cells.end(), [](const auto& a, const auto& b) {
        return std::pair(order_of(a), a.cell) < std::pair(order_of(b), b.cell);
    });
    return cells;
}

} // namespace finwait::daemon
