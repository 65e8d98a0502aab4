#include "daemon/history.hpp"

#include "web/json/json.hpp"

#include <algorithm>
#include <utility>

namespace finwait::daemon {

namespace {

web::document made(std::string text)
{
    return std::make_shared<const std::string>(std::move(text));
}

} // namespace

std::size_t history::entry::full_bytes() const
{
    return (full ? full->size() : 0) + (matrix ? matrix->size() : 0);
}

void history::add(const audit& done)
{
    entry latest{
        .id = done.id,
        .outcome = done.outcome,
        .brief = made(json::dump_brief(done)),
        .full = made(json::dump(done)),
        .matrix = made(json::dump_matrix(done))};
    latest.reports = extents_of(done, *latest.full);
    entries_.push_front(std::move(latest));
    trim();
}

web::audit_page history::page(const web::audit_query& wanted) const
{
    web::audit_page page;
    std::string_view last;
    for (const entry& each : entries_) {
        // ULIDs sort by time: what is older is smaller, also than one that is forgotten.
        if (wanted.older_than && each.id >= *wanted.older_than)
            continue;
        if (wanted.outcome && each.outcome != *wanted.outcome)
            continue;
        if (page.audits.size() == wanted.limit) {
            page.next = std::string(last);
            break;
        }
        page.audits.push_back(each.brief);
        last = each.id;
    }
    return page;
}

web::document history::full(std::string_view id) const
{
    const entry* const found = find(id);
    return found == nullptr ? nullptr : found->full ? found->full : found->brief;
}

web::document history::matrix(std::string_view id) const
{
    const entry* const found = find(id);
    return found == nullptr ? nullptr : found->matrix;
}

web::document history::report(std::string_view id) const
{
    for (const entry& each : entries_)
        if (const auto found = each.reports.find(id); found != each.reports.end())
            return made(each.full->substr(found->second.first, found->second.length));
    return nullptr;
}

web::document history::latest() const
{
    return entries_.empty() ? nullptr : entries_.front().full;
}

web::document history::latest_matrix() const
{
    return entries_.empty() ? nullptr : entries_.front().matrix;
}

std::map<std::string, history::extent, std::less<>>
history::extents_of(const audit& done, const std::string& document)
{
    std::map<std::string, extent, std::less<>> found;
    std::size_t from = 0;
    for (const finwait::report& each : done.reports) {
        const std::string text = json::dump(each);
        const auto first = document.find(text, from); // in the same order: each byte is read once
        if (first == std::string::npos)
            continue;
        found[each.id] = {first, text.size()};
        from = first + text.size();
    }
    return found;
}

void history::trim()
{
    if (entries_.size() > limits_.audits)
        entries_.resize(limits_.audits);
    std::size_t bytes = entries_.front().full_bytes();
    for (auto each = std::next(entries_.begin()); each != entries_.end(); ++each) {
        bytes += each->full_bytes();
        if (bytes <= limits_.full_bytes)
            continue;
        each->full = each->matrix = nullptr;
        each->reports.clear();
    }
}

const history::entry* history::find(std::string_view id) const
{
    const auto found =
        std::find_if(entries_.begin(), entries_.end(), [&](const entry& e) { return e.id == id; });
    return found == entries_.end() ? nullptr : &*found;
}

} // namespace finwait::daemon
