// An audit as a matrix: its reports, counted by cell.
#include "web/json/json.hpp"
#include "web/json/render.hpp"
#include "web/json/time.hpp"

#include <set>
#include <string>
#include <tuple>

namespace finwait::json {

namespace {

/// What makes two reports one cell: all of the plan, less what the defaults fill in. The cells of
/// one client stand together.
auto key_of(const plan& what)
{
    return std::tuple(
        std::string(client_of(what.subject)),
        what.subject,
        what.at,
        what.by,
        what.target,
        what.family,
        what.tls,
        what.unread,
        what.blocked,
        what.request.how,
        what.response.how,
        what.signal_to,
        what.after
    );
}

/// Whether `end` is one and the same in all reports of the cell.
document common_end(const std::vector<const report*>& cell)
{
    for (const auto* each : cell)
        if (each->end_state != cell.front()->end_state)
            return nullptr;
    return render(cell.front()->end_state);
}

document render_cell(const std::vector<const report*>& cell)
{
    const report& first = *cell.front();
    auto counts = document::object();
    auto ids = document::array();
    auto worst = verdict::released;
    bool as_expected = true;
    for (const auto each : all_of<verdict>())
        counts[std::string(word(each))] = 0;
    for (const auto* each : cell) {
        auto& count = counts[std::string(word(each->verdict))];
        count = count.get<std::uint64_t>() + 1;
        worst = worse(worst, each->verdict);
        as_expected = as_expected && each->as_expected;
        ids.push_back(each->id);
    }
    return document{
        {"at", word(first.plan.at)},
        {"by", word(first.plan.by)},
        {"subject", first.plan.subject},
        {"target", first.plan.target},
        {"family", word(first.plan.family)},
        {"tls", first.plan.tls},
        {"unread", first.plan.unread},
        {"blocked", first.plan.blocked},
        {"request_framing", word(first.plan.request.how)},
        {"response_framing", word(first.plan.response.how)},
        {"signal_to", word(first.plan.signal_to)},
        {"after", word(first.plan.after)},
        {"control", first.control},
        {"verdict", word(worst)},
        {"end", common_end(cell)},
        {"verdicts", std::move(counts)},
        {"expected", render(first.expected)},
        {"as_expected", as_expected},
        {"reports", std::move(ids)},
    };
}

} // namespace

std::string dump_matrix(const audit& what)
{
    std::map<decltype(key_of(plan{})), std::vector<const report*>> cells;
    for (const auto& each : what.reports)
        cells[key_of(each.plan)].push_back(&each);
    auto list = document::array();
    std::set<std::string> subjects;
    for (const auto& [key, cell] : cells) {
        list.push_back(render_cell(cell));
        subjects.emplace(client_of(cell.front()->plan.subject));
    }
    return to_text(document{
        {"schema", "finwait.matrix/1"},
        {"audit", what.id},
        {"started", to_text(what.started)},
        {"outcome", word(what.outcome)},
        {"subjects", document(subjects)},
        {"cells", std::move(list)},
    });
}

} // namespace finwait::json
