#include "daemon/history/keeping.hpp"

#include "probe/model/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace finwait::daemon {

namespace {

constexpr std::int64_t reports_at_once = 200;
constexpr std::int64_t audits_at_once = 20;
/// Free pages that may stay, and how many are given back at once.
constexpr std::int64_t spare_pages = 64;
constexpr std::int64_t pages_at_once = 256;

enum class span { shorter, longer };

bool forget_reports(database& in, span which, std::int64_t before_ns)
{
    in.tell(
        "DELETE FROM reports WHERE n IN (SELECT n FROM reports WHERE longer = ? AND started < ? "
        "ORDER BY started LIMIT ?)",
        which,
        before_ns,
        reports_at_once
    );
    return in.changes() != 0;
}

// A part of what there is, so that a small quota does not take the newest with the oldest. Their
// numbers are without gaps but for what was forgotten; to count them all would take too long.
std::int64_t a_part_of_reports(database& in)
{
    const auto about = in.number("SELECT coalesce(max(n) - min(n) + 1, 0) FROM reports");
    return std::clamp<std::int64_t>(about / 8, 1, reports_at_once);
}

// The last one of a name stays: it says how it stands, also after a long time without any. So does
// the last that was told of: whoever waited for its end is about to read it.
bool forget_audits(database& in, span which, std::int64_t before_ns)
{
    std::vector<std::string> ids;
    {
        query rows = in.ask(
            "SELECT id FROM audits AS a WHERE longer = ? AND ended IS NOT NULL AND ended < ? "
            "AND a.rowid <> (SELECT rowid FROM audits WHERE ended IS NOT NULL ORDER BY rowid DESC "
            "LIMIT 1) "
            "AND NOT EXISTS (SELECT 1 FROM reports WHERE audit = a.id) "
            "AND EXISTS (SELECT 1 FROM audits AS b WHERE b.name = a.name AND b.ended IS NOT NULL "
            "AND b.rowid > a.rowid) ORDER BY ended LIMIT ?",
            which,
            before_ns,
            audits_at_once
        );
        while (rows.next())
            ids.emplace_back(rows.text(0));
    }
    for (const auto& id : ids) {
        in.tell("DELETE FROM tallies WHERE audit = ?", id);
        in.tell("DELETE FROM audit_targets WHERE audit = ?", id);
        in.tell("DELETE FROM audits WHERE id = ?", id);
    }
    return !ids.empty();
}

// Also of those that nobody looks for any more: their audit is not in the configuration.
bool forget_lives(database& in, std::int64_t before_ns)
{
    in.tell(
        "DELETE FROM findings WHERE id IN (SELECT id FROM findings WHERE "
        "coalesce(gone_since, last_seen) < ? LIMIT ?)",
        before_ns,
        reports_at_once
    );
    return in.changes() != 0;
}

bool forget_old(database& in, const history_settings& how, std::int64_t now_ns)
{
    const auto before = [&](std::chrono::seconds keep) {
        return now_ns - std::chrono::nanoseconds(keep).count();
    };
    const auto shorter = before(how.keep_expected);
    const auto longer = before(std::max(how.keep_findings, how.keep_expected));
    return forget_reports(in, span::shorter, shorter) || forget_reports(in, span::longer, longer) ||
           forget_audits(in, span::shorter, shorter) || forget_audits(in, span::longer, longer) ||
           forget_lives(in, longer);
}

/// The audits that are being made or just were. By the order in which they came into the table: in
/// times and ids a clock that is set back makes the newest the oldest.
constexpr std::string_view newest_audits =
    "(SELECT id FROM audits WHERE ended IS NULL UNION ALL SELECT id FROM (SELECT id FROM audits "
    "WHERE ended IS NOT NULL ORDER BY rowid DESC LIMIT 1))";

enum class spared { newest, nothing };

/// Whether times say which report is the oldest: none lies ahead.
bool is_in_order(database& in, std::int64_t now_ns)
{
    for (const auto which : {span::shorter, span::longer})
        if (in.number(
                "SELECT EXISTS (SELECT 1 FROM reports WHERE longer = ? AND started > ?)",
                which,
                now_ns
            ) != 0)
            return false;
    return true;
}

bool forget_first_reports(database& in, span which, spared who, std::int64_t now_ns)
{
    const auto others =
        who == spared::newest ? fmt::format("AND audit NOT IN {} ", newest_audits) : std::string();
    // By their times there is an index; by their numbers those that are kept otherwise are looked
    // at as well, from the oldest on.
    const bool is_by_time = is_in_order(in, now_ns);
    in.tell(
        fmt::format(
            "DELETE FROM reports WHERE n IN (SELECT n FROM reports {} WHERE longer = ? {}"
            "ORDER BY {} LIMIT ?)",
            is_by_time ? "" : "NOT INDEXED",
            others,
            is_by_time ? "started" : "n"
        ),
        which,
        a_part_of_reports(in)
    );
    return in.changes() != 0;
}

bool forget_oldest(database& in, std::int64_t now_ns)
{
    for (const auto who : {spared::newest, spared::nothing})
        for (const auto which : {span::shorter, span::longer}) {
            const bool some = forget_first_reports(in, which, who, now_ns);
            // With the reports go the audits that have none left, and are older than what is there.
            const auto oldest =
                is_in_order(in, now_ns)
                    ? in.number(
                          "SELECT coalesce(min(started), ?) FROM reports WHERE longer = ?",
                          now_ns,
                          which
                      )
                    : std::numeric_limits<std::int64_t>::max();
            if (forget_audits(in, which, oldest) || some)
                return true;
        }
    in.tell(
        "DELETE FROM findings WHERE id IN (SELECT id FROM findings WHERE state = 'gone' "
        "ORDER BY id LIMIT ?)",
        reports_at_once
    );
    return in.changes() != 0;
}

bool give_pages_back(database& in)
{
    const auto free = in.number("PRAGMA freelist_count");
    if (free <= spare_pages)
        return false;
    // As text: it frees one page per step, and tell() would take each for a row to wait for.
    in.run(fmt::format("PRAGMA incremental_vacuum({})", std::min(free - spare_pages, pages_at_once))
               .c_str());
    return free > spare_pages + pages_at_once;
}

} // namespace

byte_limits limits_of(const history_settings& how)
{
    const auto all = std::max<std::uint64_t>(how.max_bytes, mebibyte);
    const auto log = std::min<std::uint64_t>(all / 4, 4 * mebibyte);
    // A log may be twice as long as it should while something is read: the rest is for that.
    return {.pages = all - 2 * log, .log = log};
}

void bound_log(database& in, const byte_limits& limits)
{
    const auto page = in.number("PRAGMA page_size");
    in.run(fmt::format("PRAGMA journal_size_limit = {}", limits.log).c_str());
    in.run(fmt::format(
               "PRAGMA wal_autocheckpoint = {}",
               std::max<std::int64_t>(16, static_cast<std::int64_t>(limits.log) / 2 / page)
    )
               .c_str());
}

void empty_log(database& in)
{
    // It would wait for readers as long as a write waits for writers.
    in.run("PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA busy_timeout = 5000");
}

std::uint64_t used_bytes(database& in)
{
    const auto pages = in.number("PRAGMA page_count") - in.number("PRAGMA freelist_count");
    return static_cast<std::uint64_t>(pages * in.number("PRAGMA page_size"));
}

bool forget_some(
    database& in, const history_settings& how, const byte_limits& limits, std::int64_t now_ns
)
{
    transaction some(in);
    const bool is_forgotten =
        forget_old(in, how, now_ns) || (used_bytes(in) > limits.pages && forget_oldest(in, now_ns));
    const bool is_more = give_pages_back(in) || is_forgotten;
    some.commit();
    return is_more;
}

} // namespace finwait::daemon
