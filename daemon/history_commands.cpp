#include "daemon/history_commands.hpp"

#include "daemon/audit_view.hpp"
#include "daemon/errors.hpp"
#include "daemon/foreground.hpp"
#include "daemon/history/history.hpp"
#include "daemon/history_source.hpp"
#include "daemon/history_view.hpp"
#include "daemon/output.hpp"
#include "daemon/printable.hpp"
#include "daemon/probe_view.hpp"
#include "daemon/process_setup.hpp"
#include "probe/ulid.hpp"
#include "web/json/history.hpp"
#include "web/json/json.hpp"
#include "web/json/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace finwait::daemon {

namespace {

constexpr std::size_t largest_page = 100;

void check_id(const std::string& id)
{
    if (id != "latest" && !is_ulid(id))
        throw usage_error(fmt::format(
            "{} is no id: 26 digits and capital letters, as `finwait reports` shows them, or "
            "latest",
            in_quotes(id)
        ));
}

/// Says why there is no answer, instead of the command's own end.
template <class Work>
exit_code with_answer(const history_words& where, Work work)
try {
    ignore_broken_pipes();
    const auto from = history_source::open(where);
    const exit_code code = work(*from);
    finish_output();
    return code;
} catch (const no_answer& error) {
    complain(printable(error.what()));
    return exit_code::unreachable;
}

/// Every item of a list, page after page, until `told` gives false.
template <class Query, class Ask, class Told>
void each_item(Query wanted, Ask ask, Told told)
{
    for (;;) {
        const web::page page = ask(wanted);
        for (const auto& item : page.items)
            if (!told(*item))
                return;
        if (!page.next)
            return;
        wanted.older_than = page.next;
    }
}

std::vector<std::string> items_of(history_source& from, const web::report_query& wanted)
{
    std::vector<std::string> items;
    auto page = wanted;
    page.limit = std::min(wanted.limit, largest_page);
    each_item(
        page,
        [&](const web::report_query& next) { return from.reports(next); },
        [&](const std::string& item) {
            items.push_back(item);
            return items.size() < wanted.limit;
        }
    );
    return items;
}

std::vector<json::report_summary> summaries_of(const std::vector<std::string>& items)
{
    std::vector<json::report_summary> summaries;
    for (const auto& each : items)
        if (auto read = json::parse_report_summary(each); read)
            summaries.push_back(std::move(*read));
        else
            throw no_answer("a report cannot be understood: " + read.error().detail);
    return summaries;
}

std::string list_text(const std::vector<std::string>& items)
{
    return fmt::format(
        R"({{"schema":"finwait.reports/1","reports":[{}],"next":null}})", fmt::join(items, ",")
    );
}

void print_document(const std::string& text, const output_options& output)
{
    if (output.form == output_form::table) {
        const auto style = style_for(output);
        if (const auto report = json::parse_report(text); report)
            return print(show(*report, style));
        if (const auto audit = json::parse_audit(text); audit) {
            complain_of_missing_reports(*audit);
            return print(show(*audit, style));
        }
    }
    print(text + "\n"); // also when whoever wrote it is newer
}

} // namespace

exit_code run_reports(const reports_options& options)
{
    return with_answer(options.where, [&](history_source& from) {
        const auto items = items_of(from, options.wanted);
        if (options.output.form == output_form::table)
            print(show(summaries_of(items), style_for(options.output)));
        else if (options.output.form == output_form::json)
            print(list_text(items) + "\n");
        else
            for (const auto& each : items)
                print(each + "\n");
        return exit_code::clean;
    });
}

exit_code run_show(const show_options& options)
{
    check_id(options.id);
    return with_answer(options.where, [&](history_source& from) {
        if (const auto one = options.id == "latest" ? nullptr : from.report(options.id)) {
            print_document(*one, options.output);
            return exit_code::clean;
        }
        const auto audit = from.audit(options.id);
        if (!audit)
            throw usage_error(
                fmt::format("there is no report and no audit {}", in_quotes(options.id))
            );
        print_document(with_all_reports(from, *audit), options.output);
        return exit_code::clean;
    });
}

exit_code run_diff(const diff_options& options)
{
    check_id(options.before);
    check_id(options.after);
    return with_answer(options.where, [&](history_source& from) {
        const auto text =
            from.diff(id_of_audit(from, options.after), id_of_audit(from, options.before));
        if (!text)
            throw usage_error(fmt::format(
                "one of the audits {} and {} is not there, or has not ended",
                in_quotes(options.before),
                in_quotes(options.after)
            ));
        const auto read = json::parse_diff(*text);
        if (!read)
            throw no_answer("the difference cannot be understood: " + read.error().detail);
        print(
            options.output.form == output_form::table ? show(*read, style_for(options.output))
                                                      : *text + "\n"
        );
        return read->new_ones.empty() ? exit_code::clean : exit_code::finding;
    });
}

exit_code run_export(const history_words& where)
{
    return with_answer(where, [&](history_source& from) {
        const auto print_line = [](const std::string& line) {
            print(line + "\n");
            return true;
        };
        const auto reports_of = [&](const std::string& audit) {
            web::report_query wanted;
            wanted.limit = largest_page;
            wanted.audit = audit;
            each_item(
                wanted,
                [&](const web::report_query& next) { return from.reports(next); },
                print_line
            );
        };
        web::finding_query findings;
        findings.limit = largest_page;
        each_item(
            findings,
            [&](const web::finding_query& next) { return from.findings(next); },
            print_line
        );
        for (const auto& name :
             {std::optional<std::string>(), std::optional<std::string>(single_probe)}) {
            web::audit_query audits;
            audits.limit = largest_page;
            audits.name = name;
            each_item(
                audits,
                [&](const web::audit_query& next) { return from.audits(next); },
                [&](const std::string& audit) {
                    print_line(audit);
                    reports_of(json::id_of(audit));
                    return true;
                }
            );
        }
        return exit_code::clean;
    });
}

} // namespace finwait::daemon
