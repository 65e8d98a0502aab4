#include "web/routes.hpp"

#include "web/handlers.hpp"
#include "web/json/nearest.hpp"

#include <algorithm>
#include <optional>

namespace finwait::web {

namespace {

constexpr std::array table{
    route{"/livez", get_livez},
    route{"/readyz", get_readyz, {"verbose"}},
    route{"/api/v1/status", get_status},
    route{"/api/v1/audits", get_audits, {"limit", "cursor", "outcome"}},
    route{"/api/v1/audits/latest", get_latest_audit},
    route{"/api/v1/audits/{id}", get_audit},
    route{"/api/v1/matrix", get_matrix, {"audit", "subject"}},
    route{"/api/v1/reports/{id}", get_report},
};

/// Whether a path is of that pattern, and what `{id}` stands for.
bool matches(std::string_view pattern, const target& where, std::string_view& id)
{
    for (const std::string_view segment : where.segments) {
        if (!pattern.starts_with('/'))
            return false;
        pattern.remove_prefix(1);
        const auto wanted = pattern.substr(0, pattern.find('/'));
        pattern.remove_prefix(wanted.size());
        if (wanted == "{id}" && !segment.empty())
            id = segment;
        else if (wanted != segment)
            return false;
    }
    return pattern.empty();
}

/// Fixed words come before `{id}` in the table.
const route* find(const target& where, std::string_view& id)
{
    for (const auto& each : table)
        if (matches(each.pattern, where, id))
            return &each;
    return nullptr;
}

problem no_such_path()
{
    return {
        problem_code::not_found, "there is no such path; the documents begin at /api/v1/status"};
}

/// The keys of the query that the route does not know, or that are there twice.
std::optional<problem> check_query(const route& taken, const target& where)
{
    const auto end = std::find(taken.parameters.begin(), taken.parameters.end(), "");
    const std::span known(taken.parameters.begin(), end);
    for (auto pair = where.query.begin(); pair != where.query.end(); ++pair) {
        const auto& key = pair->first;
        if (std::find(known.begin(), known.end(), key) == known.end())
            return problem{
                problem_code::unknown_parameter,
                "no parameter " + in_quotes(key) + " here; " +
                    (known.empty() ? "there are none" : suggestion(key, known))};
        const auto same = [&](const auto& other) {
            return other.first == key;
        };
        if (std::any_of(where.query.begin(), pair, same))
            return problem{problem_code::bad_request, "the parameter " + key + " is there twice"};
    }
    return std::nullopt;
}

} // namespace

std::span<const route> routes()
{
    return table;
}

answer respond(request wanted, const backend& from)
{
    const auto* taken = find(wanted.where, wanted.id);
    if (!taken)
        return problem_answer(no_such_path(), wanted.where.path);
    if (const auto wrong = check_query(*taken, wanted.where); wrong)
        return problem_answer(*wrong, wanted.where.path);
    return taken->run(wanted, from);
}

answer options_of(const target& where)
{
    std::string_view ignored;
    if (!find(where, ignored))
        return problem_answer(no_such_path(), where.path);
    return {204, "", nullptr, {{"Allow", "GET, HEAD, OPTIONS"}}};
}

} // namespace finwait::web
