#include "daemon/grid.hpp"

#include "daemon/printable.hpp"
#include "daemon/tally.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace finwait::daemon {

namespace {

constexpr std::size_t gap = 2;

// All cells of one point and one method.
struct field
{
    verdict worst = verdict::released;
    unsigned cells = 0;
    unsigned with_worst = 0;
    std::set<std::optional<tcp_state>> ends; // of the cells with the worst verdict
    bool wrong = false;

    void add(const report& r)
    {
        if (cells == 0 || r.verdict > worst) {
            worst = r.verdict;
            with_worst = 0;
            ends.clear();
        }
        ++cells;
        if (r.verdict == worst) {
            ++with_worst;
            ends.insert(r.end_state);
        }
        wrong = wrong || is_finding(r) || is_escaped(r);
    }
};

using fields = std::map<std::pair<kill_point, kill_method>, field>;

std::string_view short_end(tcp_state end)
{
    return end == tcp_state::TIME_WAIT ? "TW" : end == tcp_state::CLOSE ? "C" : word(end);
}

std::string ends_text(const field& f)
{
    std::string text;
    for (const auto& end : f.ends)
        if (end)
            text += fmt::format("{}{}", text.empty() ? " " : "/", short_end(*end));
    return text;
}

// `usual` is how many cells a field of its row has unless it says otherwise.
std::string text_of(const field& f, unsigned usual)
{
    std::string text = signed_word(f.worst) + ends_text(f);
    if (f.with_worst != f.cells)
        text += fmt::format(" {}/{}", f.with_worst, f.cells);
    else if (f.cells != usual)
        text += fmt::format(" ×{}", f.cells);
    return f.wrong ? text + " !" : text;
}

struct row
{
    std::string heading;
    unsigned usual = 1; // cells per field, in most of its fields
};
using rows = std::map<kill_point, row>;

rows rows_in(const fields& all)
{
    rows made;
    for (const kill_point at : all_of<kill_point>()) {
        std::map<unsigned, unsigned> fields_by_cells;
        for (const auto& [where, f] : all)
            if (where.first == at)
                ++fields_by_cells[f.cells];
        if (fields_by_cells.empty())
            continue;
        const auto most = std::max_element(
            fields_by_cells.begin(),
            fields_by_cells.end(),
            [](const auto& a, const auto& b) { return a.second < b.second; }
        );
        row one{.heading = std::string(word(at)), .usual = most->first};
        if (one.usual > 1)
            one.heading += fmt::format(" ×{}", one.usual);
        made.emplace(at, std::move(one));
    }
    return made;
}

struct column
{
    kill_method by = kill_method::close;
    std::string heading;
    std::size_t width = 0;
};

std::vector<column> columns_in(const fields& all, const rows& down)
{
    std::vector<column> columns;
    for (const kill_method by : all_of<kill_method>()) {
        column one{.by = by, .heading = std::string(word(by))};
        if (is_control(by))
            one.heading += " (c)";
        one.width = columns_of(one.heading);
        bool used = false;
        for (const auto& [where, f] : all) {
            if (where.second != by)
                continue;
            used = true;
            one.width = std::max(one.width, columns_of(text_of(f, down.at(where.first).usual)));
        }
        if (used)
            columns.push_back(std::move(one));
    }
    return columns;
}

// Fills blocks of at most `width` columns; a family starts a new one unless all of it still fits.
std::vector<std::vector<column>>
into_blocks(const std::vector<column>& columns, std::size_t row_heading, std::size_t width)
{
    std::vector<std::vector<column>> blocks;
    std::size_t used = 0;
    const auto needed = [&](auto first, auto last) {
        std::size_t sum = 0;
        for (; first != last; ++first)
            sum += gap + first->width;
        return sum;
    };
    for (auto next = columns.begin(); next != columns.end();) {
        const auto family_end = std::find_if(next, columns.end(), [&](const column& c) {
            return family_of(c.by) != family_of(next->by);
        });
        if (blocks.empty() || used + needed(next, family_end) > width) {
            blocks.emplace_back();
            used = row_heading;
        }
        for (; next != family_end; ++next) {
            if (used + gap + next->width > width && !blocks.back().empty()) {
                blocks.emplace_back();
                used = row_heading;
            }
            used += gap + next->width;
            blocks.back().push_back(*next);
        }
    }
    return blocks;
}

class block_writer
{
public:
    block_writer(const fields& all, const rows& down, const table_style& style)
        : all_(all), rows_(down), style_(style)
    {
        for (const auto& [at, each] : down)
            heading_width_ = std::max(heading_width_, columns_of(each.heading));
    }

    std::size_t heading_width() const { return heading_width_; }

    void write(const std::vector<column>& columns, std::string& out) const
    {
        std::string head(heading_width_, ' ');
        for (const column& c : columns)
            head += std::string(gap, ' ') + padded(c.heading, c.width);
        head.erase(head.find_last_not_of(' ') + 1);
        out += strong(std::move(head), style_.use_color) + "\n";
        for (const auto& [at, each] : rows_)
            if (has_field(at, columns))
                write_row(at, each, columns, out);
    }

private:
    bool has_field(kill_point at, const std::vector<column>& columns) const
    {
        return std::any_of(columns.begin(), columns.end(), [&](const column& c) {
            return all_.contains({at, c.by});
        });
    }

    void write_row(
        kill_point at, const row& which, const std::vector<column>& columns, std::string& out
    ) const
    {
        out += padded(which.heading, heading_width_);
        std::size_t owed = 0; // spaces that only matter when something follows
        for (const column& c : columns) {
            const auto found = all_.find({at, c.by});
            const bool is_empty = found == all_.end();
            const std::string text = is_empty ? "–" : text_of(found->second, which.usual);
            out += std::string(owed + gap, ' ');
            out += is_empty ? faint(text, style_.use_color)
                            : painted(text, found->second.worst, style_.use_color);
            owed = c.width - columns_of(text);
        }
        out += "\n";
    }

    const fields& all_;
    const rows& rows_;
    const table_style& style_;
    std::size_t heading_width_ = 0;
};

std::string legend(const fields& all, const rows& down, color use)
{
    std::string text = "ends in TW: TIME_WAIT, C: CLOSE";
    const auto any = [&](auto holds) {
        return std::any_of(all.begin(), all.end(), holds);
    };
    if (any([](const auto& f) { return is_control(f.first.second); }))
        text += "   (c): a control, which leaks on purpose";
    if (any([&](const auto& f) { return f.second.cells > 1; }))
        text += "   ×4: four cells each";
    if (any([](const auto& f) { return f.second.with_worst != f.second.cells; }))
        text += "   1/4: one of four, the others milder";
    if (any([](const auto& f) { return f.second.wrong; }))
        text += "   !: not as expected";
    std::set<kill_method> across;
    for (const auto& [where, f] : all)
        across.insert(where.second);
    if (all.size() != down.size() * across.size())
        text += "   –: not run";
    return faint(text, use) + "\n";
}

std::string client_of(const report& r)
{
    return r.plan.subject.substr(0, r.plan.subject.find(':'));
}

// A wrong use of a client, which is to leak: it says nothing of the point and the method.
bool is_misuse(const report& r)
{
    return r.control && !is_control(r.plan.by);
}

// What there is of one client: its matrix, and below it its misuses.
struct client_reports
{
    std::string client;
    fields all;
    std::string misuses;

    void add(const report& r)
    {
        if (!is_misuse(r)) {
            all[{r.plan.at, r.plan.by}].add(r);
            return;
        }
        misuses += fmt::format(
            "control {}, {} by {}: {}, {}\n",
            printable(r.plan.subject),
            word(r.plan.at),
            word(r.plan.by),
            signed_word(r.verdict),
            is_caught(r) ? "caught" : "NOT caught !"
        );
    }
};

std::string matrix_of(const client_reports& of, const table_style& style)
{
    if (of.all.empty())
        return of.misuses;
    const rows down = rows_in(of.all);
    const block_writer writer(of.all, down, style);
    std::string out;
    for (const auto& block :
         into_blocks(columns_in(of.all, down), writer.heading_width(), style.width)) {
        writer.write(block, out);
        out += "\n";
    }
    return out + of.misuses + legend(of.all, down, style.use_color);
}

} // namespace

std::string grid(std::span<const report> reports, const table_style& style)
{
    std::vector<client_reports> clients; // a handful, in the order in which they were run
    for (const report& r : reports) {
        const auto name = client_of(r);
        const auto is_its = [&](const client_reports& each) {
            return each.client == name;
        };
        auto found = std::find_if(clients.begin(), clients.end(), is_its);
        if (found == clients.end())
            found = clients.insert(clients.end(), {.client = name, .all = {}, .misuses = {}});
        found->add(r);
    }
    if (clients.size() == 1)
        return matrix_of(clients.front(), style);
    std::string out;
    for (const client_reports& each : clients)
        out += fmt::format(
            "{}{}\n{}",
            out.empty() ? "" : "\n",
            strong(printable(each.client), style.use_color),
            matrix_of(each, style)
        );
    return out;
}

} // namespace finwait::daemon
