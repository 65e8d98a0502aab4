// Findings, and matrices of tallies.
#include "web/json/cell_parts.hpp"
#include "web/json/history.hpp"
#include "web/json/render.hpp"
#include "web/json/time.hpp"

#include <algorithm>
#include <set>

namespace finwait::json {

verdict cell_results::worst() const
{
    return verdicts.empty() ? verdict::unverified : verdicts.rbegin()->first;
}

bool cell_results::is_judged() const
{
    return std::any_of(verdicts.begin(), verdicts.end(), [](const auto& each) {
        return each.first != verdict::unverified && each.second != 0;
    });
}

document render(const cell_words& what)
{
    return document{
        {"at", what.at},
        {"by", what.by},
        {"subject", what.subject},
        {"target", what.target},
        {"family", what.family},
        {"tls", what.tls},
        {"unread", what.unread},
        {"blocked", what.blocked},
        {"request_framing", what.request_framing},
        {"response_framing", what.response_framing},
        {"signal_to", what.signal_to},
        {"after", what.after},
    };
}

document render_counts(const cell_results& what)
{
    auto counts = document::object();
    for (const auto each : all_of<verdict>()) {
        const auto found = what.verdicts.find(each);
        counts[std::string(word(each))] = found == what.verdicts.end() ? 0 : found->second;
    }
    return counts;
}

document render_end(const cell_results& what)
{
    return what.ends.size() == 1 && !what.ends.front().empty() ? document(what.ends.front())
                                                               : document();
}

document stored_json(const std::string& text)
{
    auto read = document::parse(text, nullptr, /*allow_exceptions=*/false);
    return read.is_discarded() ? document() : read;
}

std::string dump(const expectation& what)
{
    return to_text(render(what));
}

std::string dump_matrix(const audit_words& of, const std::vector<cell_results>& cells)
{
    auto list = document::array();
    std::set<std::string> subjects;
    for (const auto& each : cells) {
        subjects.emplace(client_of(each.cell.subject));
        document one = render(each.cell);
        one["control"] = each.control;
        one["verdict"] = word(each.worst());
        one["end"] = render_end(each);
        one["verdicts"] = render_counts(each);
        one["expected"] = stored_json(each.expected);
        one["as_expected"] = each.as_expected;
        one["reports"] = document(each.reports);
        list.push_back(std::move(one));
    }
    return to_text(document{
        {"schema", "finwait.matrix/1"},
        {"audit", of.id},
        {"started", to_text(of.started)},
        {"outcome", word(of.outcome)},
        {"subjects", document(subjects)},
        {"cells", std::move(list)},
    });
}

std::string dump(const finding_life& what)
{
    return to_text(document{
        {"schema", "finwait.finding/1"},
        {"id", what.id},
        {"name", what.audit_name},
        {"state", word(what.state)},
        {"first_seen", to_text(what.first_seen)},
        {"last_seen", to_text(what.last_seen)},
        {"gone_since", what.gone_since ? document(to_text(*what.gone_since)) : document()},
        {"seen_in", what.seen_in},
        {"cell", render(what.cell)},
        {"verdict", what.verdict},
        {"end", what.end.empty() ? document() : document(what.end)},
        {"expected", stored_json(what.expected)},
        {"reasons", stored_json(what.reasons)},
        {"first_audit", what.first_audit},
        {"last_audit", what.last_audit},
        {"last_report", what.last_report},
    });
}

} // namespace finwait::json
