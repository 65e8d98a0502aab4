// The handlers that tell what was found.
#include "web/handlers.hpp"
#include "web/json/records.hpp"
#include "web/json/text_table.hpp"
#include "web/query.hpp"

#include <fmt/format.h>

namespace finwait::web {

namespace {

using json::column;

constexpr std::array audit_columns{
    column{"ID", "/id"},
    column{"NAME", "/name"},
    column{"STARTED", "/started"},
    column{"OUTCOME", "/outcome"},
    column{"FINDINGS", "/findings"},
    column{"RELEASED", "/summary/released"},
    column{"DRAINING", "/summary/draining"},
    column{"HELD", "/summary/held"},
    column{"LEAKED", "/summary/leaked"},
    column{"UNVERIFIED", "/summary/unverified"}};

constexpr std::array report_columns{
    column{"ID", "/id"},
    column{"STARTED", "/started"},
    column{"AT", "/plan/at"},
    column{"BY", "/plan/by"},
    column{"SUBJECT", "/plan/subject"},
    column{"TARGET", "/plan/target"},
    column{"VERDICT", "/verdict"},
    column{"END", "/end"},
    column{"CONTROL", "/control"},
    column{"AS EXPECTED", "/as_expected"}};

constexpr std::array finding_columns{
    column{"ID", "/id"},
    column{"AUDIT", "/name"},
    column{"STATE", "/state"},
    column{"AT", "/cell/at"},
    column{"BY", "/cell/by"},
    column{"SUBJECT", "/cell/subject"},
    column{"VERDICT", "/verdict"},
    column{"FIRST SEEN", "/first_seen"},
    column{"LAST SEEN", "/last_seen"},
    column{"GONE SINCE", "/gone_since"}};

constexpr std::array matrix_columns{
    column{"AT", "/at"},
    column{"BY", "/by"},
    column{"SUBJECT", "/subject"},
    column{"TARGET", "/target"},
    column{"REQUEST", "/request_framing"},
    column{"VERDICT", "/verdict"},
    column{"END", "/end"},
    column{"CONTROL", "/control"},
    column{"AS EXPECTED", "/as_expected"},
    column{"PROBES", "/reports"}};

constexpr std::array subject_columns{
    column{"NAME", "/name"},
    column{"KIND", "/kind"},
    column{"VERSION", "/version"},
    column{"PRESENT", "/present"},
    column{"ABOUT", "/about"},
    column{"WHY ABSENT", "/why_absent"}};

constexpr std::array target_columns{
    column{"NAME", "/name"},
    column{"URL", "/url"},
    column{"ALLOW", "/allow"},
    column{"CA", "/tls/ca"},
    column{"TLS", "/tls/min"}};

/// A document, or 404.
answer found(const request& wanted, document what, std::string_view otherwise)
{
    if (what)
        return json_answer(std::move(what));
    return problem_answer({problem_code::not_found, std::string(otherwise)}, wanted.where.path);
}

/// Where the list goes on: the same query with another cursor.
std::string next_link(const request& wanted, const std::string& next)
{
    std::string query;
    for (const auto& [key, value] : wanted.where.query)
        if (key != "cursor")
            query += fmt::format("{}={}&", encoded(key), encoded(value));
    return fmt::format("<{}?{}cursor={}>; rel=\"next\"", wanted.where.path, query, next);
}

/// A page as a document or as a table, with the way to the next one.
answer list_answer(
    const request& wanted, std::string_view name, const page& what, std::span<const column> columns
)
{
    auto out = prefers_text(wanted) ? text_answer(200, json::text_table(what.items, columns))
                                    : json_answer(json::dump_page(name, what));
    if (what.next)
        out.fields.emplace_back("Link", next_link(wanted, *what.next));
    out.fields.emplace_back("Vary", "Accept");
    return out;
}

/// A document that is a list, as it is or as a table.
answer list_answer(
    const request& wanted,
    const document& what,
    std::string_view key,
    std::span<const column> columns
)
{
    auto out = prefers_text(wanted) ? text_answer(200, json::text_table(*what, key, columns))
                                    : json_answer(what);
    out.fields.emplace_back("Vary", "Accept");
    return out;
}

constexpr auto no_such_audit = "there is no audit with that id, or no longer";
constexpr auto no_such_report = "there is no report with that id, or no longer";

} // namespace

reaction get_audits(const request& wanted, const surroundings& with)
{
    audit_query what;
    query_reader query(wanted);
    query.page(what);
    query.word("outcome", what.outcome);
    query.audit_name("name", what.name);
    query.name("target", what.target);
    if (auto wrong = query.wrong(); wrong)
        return std::move(*wrong);
    return list_answer(wanted, "audits", with.from.audits(what), audit_columns);
}

reaction get_latest_audit(const request& wanted, const surroundings& with)
{
    return found(wanted, with.from.latest_audit(), "no audit has ended yet");
}

reaction get_audit(const request& wanted, const surroundings& with)
{
    const auto what = is_ulid(wanted.id) ? with.from.audit(wanted.id) : nullptr;
    return found(wanted, what, no_such_audit);
}

reaction get_diff(const request& wanted, const surroundings& with)
{
    std::optional<std::string> against;
    query_reader query(wanted);
    query.id("against", against);
    if (!query.find("against"))
        query.refuse("against must be the id of the audit to compare with");
    if (auto wrong = query.wrong(); wrong)
        return std::move(*wrong);
    const auto what = is_ulid(wanted.id) ? with.from.diff(wanted.id, *against) : nullptr;
    return found(wanted, what, "one of these audits is not there, or no longer, or has not ended");
}

reaction get_matrix(const request& wanted, const surroundings& with)
{
    matrix_query what;
    query_reader query(wanted);
    const auto* audit = query.find("audit");
    if (audit && *audit != "latest" && !is_ulid(*audit))
        query.refuse("audit must be latest or the id of an audit");
    if (audit && *audit != "latest")
        what.audit = *audit;
    query.name("subject", what.subject);
    query.name("target", what.target);
    query.word("framing", what.request_framing);
    if (auto wrong = query.wrong(); wrong)
        return std::move(*wrong);
    auto matrix = with.from.matrix(what);
    if (!matrix)
        return found(wanted, nullptr, what.audit ? no_such_audit : "no audit has ended yet");
    return list_answer(wanted, matrix, "cells", matrix_columns);
}

reaction get_reports(const request& wanted, const surroundings& with)
{
    report_query what;
    query_reader query(wanted);
    query.page(what);
    query.id("audit", what.audit);
    query.name("subject", what.subject);
    query.name("target", what.target);
    query.word("at", what.at);
    query.word("by", what.by);
    query.word("verdict", what.verdict);
    query.flag("as_expected", what.as_expected);
    if (auto wrong = query.wrong(); wrong)
        return std::move(*wrong);
    return list_answer(wanted, "reports", with.from.reports(what), report_columns);
}

reaction get_report(const request& wanted, const surroundings& with)
{
    const auto what = is_ulid(wanted.id) ? with.from.report(wanted.id) : nullptr;
    return found(wanted, what, no_such_report);
}

reaction get_report_log(const request& wanted, const surroundings& with)
{
    const auto what = is_ulid(wanted.id) ? with.from.report_log(wanted.id) : nullptr;
    if (!what)
        return found(wanted, nullptr, no_such_report);
    return answer{200, "text/plain; charset=utf-8", what, {}};
}

reaction get_findings(const request& wanted, const surroundings& with)
{
    finding_query what;
    query_reader query(wanted);
    query.page(what);
    query.word("state", what.state);
    query.audit_name("name", what.name);
    if (auto wrong = query.wrong(); wrong)
        return std::move(*wrong);
    return list_answer(wanted, "findings", with.from.findings(what), finding_columns);
}

reaction get_probe(const request& wanted, const surroundings& with)
{
    const auto what = is_ulid(wanted.id) ? with.from.probe(wanted.id) : nullptr;
    return found(wanted, what, "there is no probe with that id, or no longer");
}

reaction get_subjects(const request& wanted, const surroundings& with)
{
    return list_answer(wanted, with.from.subjects(), "subjects", subject_columns);
}

reaction get_targets(const request& wanted, const surroundings& with)
{
    return list_answer(wanted, with.from.targets(), "targets", target_columns);
}

} // namespace finwait::web
