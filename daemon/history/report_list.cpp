#include "daemon/history/report_list.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace finwait::daemon {

namespace {

constexpr std::size_t most_bytes = 4 * mebibyte;
/// So many kinds can be merged within a few milliseconds (one look into an index for each). With
/// more of them, most reports fit, and walking over all of them finds a page soon.
constexpr std::size_t most_merged = 512;
/// Looked at for one page of such a walk.
constexpr std::int64_t most_rows = 5000;

/// The kinds that a filter lets through; nullopt: all.
std::optional<std::vector<std::int64_t>> kinds_of(database& from, const web::report_query& wanted)
{
    const bool is_filtered = wanted.subject || wanted.target || wanted.at || wanted.by ||
                             wanted.verdict || wanted.as_expected;
    if (!is_filtered)
        return std::nullopt;
    const auto word_of = [](const auto& value) {
        return value ? std::optional(word(*value)) : std::nullopt;
    };
    std::optional<std::int64_t> as_expected;
    if (wanted.as_expected)
        as_expected = *wanted.as_expected ? 1 : 0;
    query rows = from.ask(
        "SELECT kind FROM kinds JOIN cells USING (cell) WHERE subject = ifnull(?, subject) AND "
        "target = ifnull(?, target) AND kill_point = ifnull(?, kill_point) AND "
        "kill_method = ifnull(?, kill_method) AND verdict = ifnull(?, verdict) AND "
        "as_expected = ifnull(?, as_expected)",
        wanted.subject,
        wanted.target,
        word_of(wanted.at),
        word_of(wanted.by),
        word_of(wanted.verdict),
        as_expected
    );
    std::vector<std::int64_t> kinds;
    while (rows.next())
        kinds.push_back(rows.integer(0));
    return kinds;
}

/// A page that is being filled.
class filling
{
public:
    filling(database& from, std::size_t limit) : from_(from), limit_(limit) {}

    /// False: it is full, and goes on behind `last`.
    bool has_room() const { return page.items.size() < limit_ && bytes_ < most_bytes; }

    void add(std::string_view doc)
    {
        bytes_ += doc.size();
        page.items.push_back(std::make_shared<const std::string>(doc));
    }

    void add_by_id(std::string_view id)
    {
        query row = from_.ask("SELECT doc FROM reports WHERE id = ?", id);
        if (row.next())
            add(row.text(0));
    }

    web::page page;

private:
    database& from_;
    std::size_t limit_;
    std::size_t bytes_ = 0;
};

/// Walks over rows (id, kind, doc), newest first, of which `kinds` are wanted.
void walk(query rows, filling& into, const std::optional<std::vector<std::int64_t>>& kinds)
{
    const std::unordered_set<std::int64_t> wanted(
        kinds ? kinds->begin() : std::vector<std::int64_t>::const_iterator(),
        kinds ? kinds->end() : std::vector<std::int64_t>::const_iterator()
    );
    std::string last;
    for (std::int64_t seen = 0; rows.next(); ++seen) {
        if (!into.has_room() || seen == most_rows) {
            into.page.next = last;
            break;
        }
        last = rows.text(0);
        if (!kinds || wanted.contains(rows.integer(1)))
            into.add(rows.text(2)); // read only now: a column not asked for costs nothing
    }
}

/// The newest report of a kind before an id.
std::optional<std::string> newest(database& from, std::int64_t kind, std::string_view before)
{
    query row = from.ask(
        "SELECT id FROM reports WHERE kind = ? AND id < ? ORDER BY id DESC LIMIT 1", kind, before
    );
    if (!row.next())
        return std::nullopt;
    return std::string(row.text(0));
}

/// Merges the kinds, each of which is sorted: a heap of the newest of each.
void merge(
    database& from, filling& into, const std::vector<std::int64_t>& kinds, std::string_view older
)
{
    std::vector<std::pair<std::string, std::int64_t>> heap;
    for (const auto kind : kinds)
        if (auto id = newest(from, kind, older); id)
            heap.emplace_back(std::move(*id), kind);
    std::make_heap(heap.begin(), heap.end());
    std::string last;
    while (!heap.empty()) {
        if (!into.has_room()) {
            into.page.next = last;
            break;
        }
        std::pop_heap(heap.begin(), heap.end());
        const auto [id, kind] = std::move(heap.back());
        heap.pop_back();
        last = id;
        into.add_by_id(id);
        if (auto next = newest(from, kind, id); next) {
            heap.emplace_back(std::move(*next), kind);
            std::push_heap(heap.begin(), heap.end());
        }
    }
}

} // namespace

web::page list_reports(database& from, const web::report_query& wanted)
{
    const std::string older = wanted.older_than.value_or("~"); // greater than every id
    const auto kinds = kinds_of(from, wanted);
    if (kinds && kinds->empty())
        return {};
    filling into(from, wanted.limit);
    if (wanted.audit)
        walk(
            from.ask(
                "SELECT id, kind, doc FROM reports WHERE audit = ? AND id < ? ORDER BY id DESC "
                "LIMIT ?",
                *wanted.audit,
                older,
                most_rows + 1
            ),
            into,
            kinds
        );
    else if (kinds && kinds->size() <= most_merged)
        merge(from, into, *kinds, older);
    else
        walk(
            from.ask(
                "SELECT id, kind, doc FROM reports WHERE id < ? ORDER BY id DESC LIMIT ?",
                older,
                most_rows + 1
            ),
            into,
            kinds
        );
    return into.page;
}

} // namespace finwait::daemon
