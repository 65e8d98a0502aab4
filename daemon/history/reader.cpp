#include "daemon/history/reader.hpp"

#include "daemon/errors.hpp"
#include "daemon/history/records.hpp"
#include "daemon/history/report_list.hpp"
#include "daemon/history/results.hpp"
#include "daemon/history/schema.hpp"
#include "daemon/printable.hpp"
#include "web/json/history.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace finwait::daemon {

namespace {

/// Of the documents of one audit's reports, in its own.
constexpr std::size_t most_report_bytes = 8 * mebibyte;
/// Looked at for one page, when a filter lets few of them through.
constexpr std::int64_t most_rows = 2000;

web::document made(std::string text)
{
    return std::make_shared<const std::string>(std::move(text));
}

/// Greater than every id.
std::string_view newest_first(const web::page_query& wanted)
{
    return wanted.older_than ? std::string_view(*wanted.older_than) : "~";
}

/// Collects a page of rows that come newest first: the id in column 0, whether the row is wanted in
/// `fits`, its document by `document_of`.
template <class Fits, class Document>
web::page collect(query rows, std::size_t limit, std::int64_t most, Fits fits, Document document_of)
{
    web::page page;
    std::string last;
    for (std::int64_t seen = 0; rows.next(); ++seen) {
        if (page.items.size() == limit || seen == most) {
            page.next = last;
            break;
        }
        last = rows.text(0);
        if (fits(rows))
            page.items.push_back(document_of(rows));
    }
    return page;
}

} // namespace

// ---- audits

web::page history_reader::audits(const web::audit_query& wanted) const
{
    const auto older = newest_first(wanted);
    const auto rows = [&] {
        // The filter that lets the fewest through chooses the index; the others look at its rows.
        constexpr std::string_view columns = "SELECT id, outcome, name, doc FROM audits ";
        if (wanted.target)
            return from_.ask(
                "SELECT id, outcome, name, doc FROM audit_targets CROSS JOIN audits ON id = audit "
                "WHERE audit_targets.target = ? AND audit < ? AND ended IS NOT NULL "
                "ORDER BY audit DESC LIMIT ?",
                *wanted.target,
                older,
                most_rows + 1
            );
        if (wanted.name)
            return from_.ask(
                std::string(columns) +
                    "WHERE ended IS NOT NULL AND name = ? AND id < ? ORDER BY id DESC LIMIT ?",
                *wanted.name,
                older,
                most_rows + 1
            );
        if (wanted.outcome)
            return from_.ask(
                std::string(columns) +
                    "WHERE ended IS NOT NULL AND outcome = ? AND id < ? ORDER BY id DESC LIMIT ?",
                word(*wanted.outcome),
                older,
                most_rows + 1
            );
        return from_.ask(
            std::string(columns) +
                "WHERE ended IS NOT NULL AND name <> 'probe' AND id < ? ORDER BY id DESC LIMIT ?",
            older,
            most_rows + 1
        );
    };
    const auto fits = [&](const query& row) {
        return (!wanted.outcome || row.text(1) == word(*wanted.outcome)) &&
               (wanted.name ? row.text(2) == *wanted.name : row.text(2) != single_probe);
    };
    return collect(rows(), wanted.limit, most_rows, fits, [](const query& row) {
        return made(std::string(row.text(3)));
    });
}

web::document history_reader::audit(std::string_view id) const
{
    std::string text;
    std::int64_t all = 0;
    {
        query head = from_.ask(
            "SELECT doc, (SELECT sum(value) FROM json_each(doc, '$.summary')) + "
            "json_extract(doc, '$.controls.planned') FROM audits WHERE id = ? AND ended IS NOT "
            "NULL",
            id
        );
        if (!head.next())
            return nullptr;
        text = head.text(0);
        all = head.integer(1);
    }
    text.back() = ',';
    text += R"("reports":[)";
    std::int64_t there = 0;
    query rows = from_.ask("SELECT doc FROM reports WHERE audit = ? ORDER BY id", id);
    for (; rows.next() && text.size() + rows.text(0).size() <= most_report_bytes; ++there) {
        if (there != 0)
            text += ',';
        text += rows.text(0);
    }
    text += "]}";
    if (there < all)
        text.insert(
            text.find(R"(,"summary":)"), fmt::format(R"(,"reports_left_out":{})", all - there)
        );
    return made(std::move(text));
}

std::optional<std::string> history_reader::latest_id() const
{
    auto found = last({});
    return found ? std::optional(std::move(found->id)) : std::nullopt;
}

web::document history_reader::latest_audit() const
{
    const auto id = latest_id();
    return id ? audit(*id) : nullptr;
}

std::optional<last_audit> history_reader::last(std::string_view name) const
{
    // One runs at a time, so that they end in the order of their rows. By their times, the last
    // before a clock was set back would stay the last until that time has come again.
    query row =
        name.empty()
            ? from_.ask("SELECT id, outcome, ended FROM audits WHERE ended IS NOT NULL AND "
                        "(name = 'probe') = 0 ORDER BY rowid DESC LIMIT 1")
            : from_.ask(
                  "SELECT id, outcome, ended FROM audits WHERE ended IS NOT NULL AND name = ? "
                  "ORDER BY rowid DESC LIMIT 1",
                  name
              );
    if (!row.next())
        return std::nullopt;
    return last_audit{
        .id = std::string(row.text(0)),
        .outcome = from_word<outcome>(row.text(1)).value_or(outcome::unverified),
        .at = time_of(row.integer(2))};
}

std::optional<std::int64_t> history_reader::noted(std::string_view key) const
{
    query row = from_.ask("SELECT value FROM meta WHERE key = ?", key);
    if (!row.next())
        return std::nullopt;
    return row.integer(0);
}

// ---- matrices and differences

namespace {

std::optional<json::audit_words> words_of(database& from, std::string_view id)
{
    query row = from.ask(
        "SELECT id, name, started, outcome FROM audits WHERE id = ? AND ended IS NOT NULL", id
    );
    if (!row.next())
        return std::nullopt;
    return json::audit_words{
        .id = std::string(row.text(0)),
        .name = std::string(row.text(1)),
        .started = time_of(row.integer(2)),
        .outcome = from_word<outcome>(row.text(3)).value_or(outcome::unverified)};
}

} // namespace

web::document history_reader::diff(std::string_view id, std::string_view against) const
{
    const auto after = words_of(from_, id);
    const auto before = words_of(from_, against);
    if (!after || !before)
        return nullptr;
    return made(json::dump_diff(
        *after,
        results_of(from_, id, report_ids::first),
        *before,
        results_of(from_, against, report_ids::first)
    ));
}

web::document history_reader::matrix(const web::matrix_query& wanted) const
{
    const auto id = wanted.audit ? wanted.audit : latest_id();
    const auto of = id ? words_of(from_, *id) : std::nullopt;
    if (!of)
        return nullptr;
    auto cells = results_of(from_, *id, report_ids::known);
    std::erase_if(cells, [&](const json::cell_results& each) {
        const bool is_of_subject = !wanted.subject || each.cell.subject == *wanted.subject ||
                                   client_of(each.cell.subject) == *wanted.subject;
        return !is_of_subject || (wanted.target && each.cell.target != *wanted.target) ||
               (wanted.request_framing && each.cell.request_framing != word(*wanted.request_framing)
               );
    });
    std::ranges::stable_sort(cells, {}, [](const json::cell_results& each) {
        return std::pair(client_of(each.cell.subject), std::string_view(each.cell.subject));
    });
    return made(json::dump_matrix(*of, cells));
}

// ---- reports

web::page history_reader::reports(const web::report_query& wanted) const
{
    return list_reports(from_, wanted);
}

web::document history_reader::report(std::string_view id) const
{
    query row = from_.ask("SELECT doc FROM reports WHERE id = ?", id);
    return row.next() ? made(std::string(row.text(0))) : nullptr;
}

// ---- findings

namespace {

json::finding_life life_of(const query& row)
{
    const auto text = [&](int column) {
        return std::string(row.text(column));
    };
    json::finding_life life{
        .id = text(0),
        .audit_name = text(1),
        .state = from_word<web::finding_state>(row.text(2)).value_or(web::finding_state::gone),
        .cell = {},
        .verdict = text(3),
        .end = text(4),
        .expected = text(5),
        .reasons = text(6),
        .first_seen = time_of(row.integer(7)),
        .last_seen = time_of(row.integer(8)),
        .gone_since = {},
        .seen_in = static_cast<std::uint64_t>(row.integer(10)),
        .first_audit = text(11),
        .last_audit = text(12),
        .last_report = text(13)};
    if (!row.is_null(9))
        life.gone_since = time_of(row.integer(9));
    life.cell = {
        .at = text(14),
        .by = text(15),
        .subject = text(16),
        .target = text(17),
        .family = text(18),
        .tls = row.integer(19) != 0,
        .unread = row.integer(20) != 0,
        .blocked = row.integer(21) != 0,
        .request_framing = text(22),
        .response_framing = text(23),
        .signal_to = text(24),
        .after = text(25)};
    return life;
}

} // namespace

web::page history_reader::findings(const web::finding_query& wanted) const
{
    static constexpr std::string_view select =
        "SELECT id, name, state, verdict, end_state, expected, reasons, first_seen, last_seen, "
        "gone_since, seen_in, first_audit, last_audit, last_report, kill_point, kill_method, "
        "subject, target, family, tls, unread, blocked, request_framing, response_framing, "
        "signal_to, after_action FROM findings JOIN cells ON cells.cell = findings.cell "
        "JOIN kinds ON kinds.kind = findings.kind WHERE ";
    const auto older = newest_first(wanted);
    const auto rows = [&] {
        if (wanted.state)
            return from_.ask(
                std::string(select) + "state = ? AND id < ? ORDER BY id DESC LIMIT ?",
                word(*wanted.state),
                older,
                most_rows + 1
            );
        if (wanted.name)
            return from_.ask(
                std::string(select) + "name = ? AND id < ? ORDER BY id DESC LIMIT ?",
                *wanted.name,
                older,
                most_rows + 1
            );
        return from_.ask(
            std::string(select) + "id < ? ORDER BY id DESC LIMIT ?", older, most_rows + 1
        );
    };
    const auto fits = [&](const query& row) {
        return !wanted.name || row.text(1) == *wanted.name;
    };
    return collect(rows(), wanted.limit, most_rows, fits, [](const query& row) {
        return made(json::dump(life_of(row)));
    });
}

finwait::finding_counts history_reader::finding_counts() const
{
    finwait::finding_counts counts;
    const auto open = [&](std::string_view state) {
        return static_cast<std::uint64_t>(from_.number(
            "SELECT count(*) FROM findings WHERE state = ? AND name <> ?", state, not_configured
        ));
    };
    counts.new_ones = open("new");
    counts.still_there = open("still_there");
    // Those that the last audit of their name has ended, and no earlier one; nor those of names
    // that are no longer configured, which no later audit would take out of the count.
    counts.gone = static_cast<std::uint64_t>(from_.number(
        "SELECT count(*) FROM findings f WHERE state = 'gone' AND name <> ? AND gone_since = "
        "(SELECT ended FROM audits a WHERE a.ended IS NOT NULL AND a.name = f.name "
        "ORDER BY a.rowid DESC LIMIT 1)",
        not_configured
    ));
    return counts;
}

// ---- a file

history_file::history_file(const std::filesystem::path& file)
try : opened_(file.string(), database::access::read_only), reader_(opened_) {
    set_up_reader(opened_);
    const auto name = printable(file.string());
    switch (kind_of(opened_)) {
    case file_kind::ours:
        return;
    case file_kind::newer:
        throw usage_error(
            fmt::format("the history {} was written by a newer finwait: use that one", name)
        );
    case file_kind::empty:
    case file_kind::foreign:
        throw usage_error(fmt::format("{} is no history of finwait", name));
    }
} catch (const sqlite_error& error) {
    throw usage_error(why_unreadable(file, error));
}

std::string why_unreadable(const std::filesystem::path& file, const sqlite_error& error)
{
    const auto name = printable(file.string());
    if (!error.is_damage())
        return fmt::format("the history {} cannot be read: {}", name, error.what());
    return fmt::format(
        "the history {} is damaged ({}); what is left of it can be recovered, see finwait(1), "
        "FILES",
        name,
        error.what()
    );
}

} // namespace finwait::daemon
