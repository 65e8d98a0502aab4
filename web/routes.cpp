#include "web/routes.hpp"

#include "web/handlers.hpp"
#include "web/json/nearest.hpp"

#include <algorithm>

namespace finwait::web {

namespace {

constexpr auto audit_list = "/api/v1/audits";
constexpr auto one_audit = "/api/v1/audits/{id}";
constexpr auto one_probe = "/api/v1/probes/{id}";

/// Fixed words come before `{id}`.
constexpr std::array table{
    operation{
        .pattern = "/livez",
        .run = get_livez,
        .summary = "Whether the daemon answers at all.",
        .kind = answer_kind::text},
    operation{
        .pattern = "/readyz",
        .run = get_readyz,
        .summary = "Whether the daemon can do its job: 200 or 503.",
        .kind = answer_kind::text,
        .parameters = {"verbose"}},
    operation{
        .pattern = "/metrics",
        .run = get_metrics,
        .summary = "What the daemon counts, for Prometheus.",
        .kind = answer_kind::metrics},
    operation{
        .pattern = "/api/v1/status",
        .run = get_status,
        .summary = "What the daemon says of itself; also when it says something else.",
        .schema = "status",
        .parameters = {"index", "wait", "wait_for", "timeout"}},
    operation{
        .pattern = audit_list,
        .run = get_audits,
        .summary = "Audits that have ended, newest first.",
        .schema = "audits",
        .parameters = {"limit", "cursor", "outcome", "name", "target"}},
    operation{
        .method = method::post,
        .pattern = audit_list,
        .run = post_audit,
        .summary = "Starts an audit, or joins the same one that is under way.",
        .schema = "audit",
        .success = 202,
        .body = "audit_order"},
    operation{
        .pattern = "/api/v1/audits/latest",
        .run = get_latest_audit,
        .summary = "The last audit that has ended.",
        .schema = "audit"},
    operation{
        .pattern = one_audit,
        .run = get_audit,
        .summary = "An audit; one that is under way with its progress.",
        .schema = "audit"},
    operation{
        .method = method::delete_,
        .pattern = one_audit,
        .run = delete_audit,
        .summary = "Cancels an audit that is under way.",
        .schema = "audit",
        .success = 202},
    operation{
        .pattern = "/api/v1/audits/{id}/diff",
        .run = get_diff,
        .summary = "What is different in this audit from another, earlier one.",
        .schema = "diff",
        .parameters = {"against"}},
    operation{
        .pattern = "/api/v1/matrix",
        .run = get_matrix,
        .summary = "An audit's reports, counted by cell.",
        .schema = "matrix",
        .parameters = {"audit", "subject", "target", "framing"}},
    operation{
        .method = method::post,
        .pattern = "/api/v1/probes",
        .run = post_probe,
        .summary = "Starts one probe.",
        .schema = "probe",
        .success = 202,
        .body = "probe_order"},
    operation{
        .pattern = one_probe,
        .run = get_probe,
        .summary = "A probe that was asked for: its plan, its state, where its report is.",
        .schema = "probe"},
    operation{
        .method = method::delete_,
        .pattern = one_probe,
        .run = delete_probe,
        .summary = "Cancels a probe that is under way.",
        .schema = "probe",
        .success = 202},
    operation{
        .pattern = "/api/v1/reports",
        .run = get_reports,
        .summary = "Reports of finished probes, newest first.",
        .schema = "reports",
        .parameters =
            {"limit",
             "cursor",
             "audit",
             "subject",
             "target",
             "at",
             "by",
             "verdict",
             "as_expected"}},
    operation{
        .pattern = "/api/v1/reports/{id}",
        .run = get_report,
        .summary = "A report.",
        .schema = "report"},
    operation{
        .pattern = "/api/v1/reports/{id}/log",
        .run = get_report_log,
        .summary = "A report for people, to be pasted into an issue.",
        .kind = answer_kind::text},
    operation{
        .pattern = "/api/v1/findings",
        .run = get_findings,
        .summary = "Findings with their life: new, still there, gone.",
        .schema = "findings",
        .parameters = {"limit", "cursor", "state", "name"}},
    operation{
        .pattern = "/api/v1/subjects",
        .run = get_subjects,
        .summary = "The clients that can be probed, and in which version they are here.",
        .schema = "subjects"},
    operation{
        .pattern = "/api/v1/targets",
        .run = get_targets,
        .summary = "The servers that can be asked, as they are configured.",
        .schema = "targets"},
    operation{
        .pattern = "/api/v1/events",
        .run = get_events,
        .summary = "What happens, as Server-Sent Events; Last-Event-ID goes on where it was.",
        .kind = answer_kind::events,
        .parameters = {"audit"}},
    operation{
        .pattern = "/api/v1/config",
        .run = get_config,
        .summary = "The settings in force, without secrets.",
        .schema = "settings",
        .whom = audience::unix_socket},
    operation{
        .method = method::post,
        .pattern = "/api/v1/config/reload",
        .run = post_reload,
        .summary = "Reads the configuration again; when it has errors, the old one stays.",
        .schema = "settings",
        .whom = audience::unix_socket,
        .body = "nothing"},
    operation{
        .pattern = "/api/v1/openapi.json",
        .run = get_openapi,
        .summary = "This description of the API.",
        .kind = answer_kind::schema},
    operation{
        .pattern = "/api/v1/schemas/{name}.json",
        .run = get_schema,
        .summary = "The JSON Schema of a document.",
        .kind = answer_kind::schema},
};

/// Whether a segment is what stands in a pattern, and what the braces stand for.
bool matches_segment(std::string_view wanted, std::string_view segment, std::string& id)
{
    if (!wanted.starts_with('{'))
        return wanted == segment;
    const auto behind = wanted.substr(wanted.find('}') + 1);
    if (segment.size() <= behind.size() || !segment.ends_with(behind))
        return false;
    id = segment.substr(0, segment.size() - behind.size());
    return true;
}

/// Whether a path is of that pattern, and what the braces stand for.
bool matches(std::string_view pattern, const target& where, std::string& id)
{
    for (const std::string_view segment : where.segments) {
        if (!pattern.starts_with('/'))
            return false;
        pattern.remove_prefix(1);
        const auto wanted = pattern.substr(0, pattern.find('/'));
        pattern.remove_prefix(wanted.size());
        if (!matches_segment(wanted, segment, id))
            return false;
    }
    return pattern.empty();
}

/// The operations of a path; empty: there is no such path.
std::span<const operation> find(const target& where, std::string& id)
{
    const auto of_path = [&](const operation& each) {
        return matches(each.pattern, where, id);
    };
    const auto first = std::find_if(table.begin(), table.end(), of_path);
    if (first == table.end())
        return {};
    const auto other = [&](const operation& each) {
        return each.pattern != first->pattern;
    };
    return {first, std::find_if(first, table.end(), other)};
}

/// The methods with which a path can be asked here.
std::string allow_of(std::span<const operation> path, const peer& by, const guard_rules& rules)
{
    std::string text;
    for (const auto& each : path) {
        if (each.method == method::get)
            text += "GET, HEAD, ";
        else if (by.listener == listener_kind::unix_ || rules.token)
            text += each.method == method::post ? "POST, " : "DELETE, ";
    }
    return text + "OPTIONS";
}

answer no_such_path(const request& wanted)
{
    return problem_answer(
        {problem_code::not_found, "there is no such path; the documents begin at /api/v1/status"},
        wanted.where.path
    );
}

answer wrong_method(const request& wanted, std::string allow)
{
    auto out = problem_answer(
        {problem_code::method_not_allowed, "here are only " + allow}, wanted.where.path
    );
    out.fields.emplace_back("Allow", std::move(allow));
    return out;
}

/// The keys of the query that the operation does not know, or that are there twice.
std::optional<problem> check_query(const operation& taken, const target& where)
{
    const auto known = parameters_of(taken);
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

std::span<const operation> operations()
{
    return table;
}

std::span<const std::string_view> parameters_of(const operation& what)
{
    const auto end = std::find(what.parameters.begin(), what.parameters.end(), "");
    return {what.parameters.begin(), end};
}

std::variant<const operation*, answer> choose(request& wanted, const guard_rules& rules)
{
    const auto path = find(wanted.where, wanted.id);
    if (path.empty())
        return no_such_path(wanted);
    auto allow = allow_of(path, wanted.by, rules);
    if (wanted.method == method::options)
        return answer{204, "", nullptr, {{"Allow", std::move(allow)}}};
    const auto of_method = [&](const operation& each) {
        return each.method == wanted.method;
    };
    const auto taken = std::find_if(path.begin(), path.end(), of_method);
    if (taken == path.end())
        return wrong_method(wanted, std::move(allow));
    if (taken->whom == audience::unix_socket && wanted.by.listener != listener_kind::unix_)
        return problem_answer(
            {problem_code::unix_socket_only, "this is answered on the Unix socket only"},
            wanted.where.path
        );
    if (const auto wrong = check_query(*taken, wanted.where); wrong)
        return problem_answer(*wrong, wanted.where.path);
    return &*taken;
}

} // namespace finwait::web
