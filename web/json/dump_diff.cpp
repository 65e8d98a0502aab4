// What is another in one audit than in another, cell by cell.
#include "web/json/cell_parts.hpp"
#include "web/json/history.hpp"
#include "web/json/render.hpp"
#include "web/json/time.hpp"

#include <set>

namespace finwait::json {

namespace {

using by_cell = std::map<cell_words, const cell_results*>;

by_cell index(const std::vector<cell_results>& cells)
{
    by_cell found;
    for (const auto& each : cells)
        if (!each.control) // a control leaks on purpose: it is never a finding
            found.emplace(each.cell, &each);
    return found;
}

document render_audit(const audit_words& what)
{
    return document{
        {"id", what.id},
        {"name", what.name},
        {"started", to_text(what.started)},
        {"outcome", word(what.outcome)}};
}

document render_side(const cell_results* what)
{
    if (what == nullptr)
        return nullptr;
    return document{
        {"verdict", word(what->worst())},
        {"end", render_end(*what)},
        {"verdicts", render_counts(*what)},
        {"as_expected", what->as_expected},
        {"finding", what->finding},
        {"reports", document(what->reports)}};
}

document entry(const cell_words& cell, const cell_results* after, const cell_results* before)
{
    return document{
        {"cell", render(cell)}, {"before", render_side(before)}, {"after", render_side(after)}};
}

/// Which verdicts and ends there were; how often each is the number of repetitions, no difference.
bool came_out_alike(const cell_results& a, const cell_results& b)
{
    const auto which = [](const cell_results& of) {
        std::set<verdict> words;
        for (const auto& [each, count] : of.verdicts)
            if (count != 0)
                words.insert(each);
        return words;
    };
    const auto ends = [](const cell_results& of) {
        return std::set<std::string>(of.ends.begin(), of.ends.end());
    };
    return which(a) == which(b) && ends(a) == ends(b) && a.as_expected == b.as_expected;
}

/// In which list a cell of both audits stands.
std::string_view list_of(const cell_results& after, const cell_results& before)
{
    if (after.finding)
        return before.finding ? "still_there" : "new";
    if (before.finding && after.is_judged())
        return "fixed";
    return before.finding || !came_out_alike(after, before) ? "changed" : "unchanged";
}

} // namespace

std::string dump_diff(
    const audit_words& after,
    const std::vector<cell_results>& cells_after,
    const audit_words& before,
    const std::vector<cell_results>& cells_before
)
{
    const auto now = index(cells_after);
    auto then = index(cells_before);
    std::map<std::string_view, document> lists;
    for (const auto* name : {"new", "fixed", "still_there", "changed", "only_after", "only_before"})
        lists[name] = document::array();
    std::uint64_t unchanged = 0;
    for (const auto& [cell, each] : now) {
        const auto found = then.find(cell);
        const auto* const earlier = found == then.end() ? nullptr : found->second;
        const auto where = earlier != nullptr ? list_of(*each, *earlier)
                           : each->finding    ? "new"
                                              : "only_after";
        if (where == "unchanged")
            ++unchanged;
        else
            lists[where].push_back(entry(cell, each, earlier));
        if (earlier != nullptr)
            then.erase(found);
    }
    for (const auto& [cell, each] : then)
        lists["only_before"].push_back(entry(cell, nullptr, each));
    return to_text(document{
        {"schema", "finwait.diff/1"},
        {"audit", render_audit(after)},
        {"against", render_audit(before)},
        {"new", std::move(lists["new"])},
        {"fixed", std::move(lists["fixed"])},
        {"still_there", std::move(lists["still_there"])},
        {"changed", std::move(lists["changed"])},
        {"only_after", std::move(lists["only_after"])},
        {"only_before", std::move(lists["only_before"])},
        {"unchanged", unchanged},
    });
}

} // namespace finwait::json
