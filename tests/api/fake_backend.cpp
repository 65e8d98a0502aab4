#include "tests/api/fake_backend.hpp"

#include "tests/support/samples.hpp"
#include "web/json/json.hpp"

#include <stdexcept>

namespace finwait::web {

namespace {

document shared(std::string text)
{
    return std::make_shared<const std::string>(std::move(text));
}

} // namespace

fake_backend::fake_backend()
{
    finwait::audit clean = samples::whole_audit();
    clean.id = "01KG9BZ4W37V8ZJ1QYXR5S2T5A";
    clean.outcome = outcome::clean;
    clean.reports.resize(1);
    clean.reports.front().id = "01KG9BZ4W37V8ZJ1QYXR5S2T5B";
    kept = {samples::whole_audit(), clean};
    now.status = health::warn;
    now.version = "0.1.0";
    now.started = samples::noon();
    now.last_audit = last_audit{kept.front().id, kept.front().outcome, samples::noon()};
    now.next_audit = samples::noon() + std::chrono::hours(1);
    now.open_findings = 1;
    now.checks = {
        {"sock_diag", {health::pass, ""}}, {"lab", {health::warn, "the host's loopback"}}};
    now.self = {12, 3, 9'000'000, 2};
    ready = {{"sock_diag", {health::pass, ""}}, {"lab", {health::warn, "the host's loopback"}}};
}

audit_page fake_backend::audits(const audit_query& wanted) const
{
    audit_page page;
    for (const auto& each : kept) {
        if (wanted.older_than && each.id >= *wanted.older_than)
            continue;
        if (wanted.outcome && each.outcome != *wanted.outcome)
            continue;
        if (page.audits.size() == wanted.limit) {
            page.next = kept[page.audits.size() - 1].id;
            break;
        }
        page.audits.push_back(shared(json::dump_brief(each)));
    }
    return page;
}

document fake_backend::audit(std::string_view id) const
{
    if (id == "00000000000000000000000000")
        throw std::runtime_error("the fake's own accident");
    for (const auto& each : kept)
        if (each.id == id)
            return shared(json::dump(each) + std::string(padding_bytes, ' '));
    return nullptr;
}

document fake_backend::latest_audit() const
{
    return kept.empty() ? nullptr : audit(kept.front().id);
}

document fake_backend::report(std::string_view id) const
{
    for (const auto& each : kept)
        for (const auto& one : each.reports)
            if (one.id == id)
                return shared(json::dump(one));
    return nullptr;
}

document fake_backend::matrix(std::string_view audit_id) const
{
    for (const auto& each : kept)
        if (each.id == audit_id)
            return shared(json::dump_matrix(each));
    return nullptr;
}

document fake_backend::latest_matrix() const
{
    return kept.empty() ? nullptr : matrix(kept.front().id);
}

} // namespace finwait::web
