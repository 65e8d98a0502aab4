// The handlers that have something done.
#include "web/handlers.hpp"
#include "web/json/records.hpp"
#include "web/query.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace finwait::web {

namespace {

using reader = document (backend::*)(std::string_view) const;

/// What is under way, or what came of it.
answer told(unsigned status, const surroundings& with, reader document_of, const std::string& place)
{
    const auto id = std::string_view(place).substr(place.rfind('/') + 1);
    auto out = json_answer((with.from.*document_of)(id));
    if (!out.body)
        throw std::logic_error("what was accepted is not there: " + place);
    out.status = status;
    out.fields.emplace_back("Location", place);
    if (status == 202)
        out.fields.emplace_back("Retry-After", "1");
    return out;
}

/// 202 at once, or, when the client would rather wait, 200 once it is over.
reaction started(
    const request& wanted, const surroundings& with, outcome_of<accepted> what, reader document_of
)
{
    if (const auto* refused = std::get_if<problem>(&what); refused)
        return problem_answer(*refused, wanted.where.path);
    const auto id = std::get<accepted>(what).id;
    const auto place = wanted.where.path + "/" + id;
    const auto wish = preferences_of(wanted);
    if (!wish.wait || wish.wait->count() == 0) {
        auto out = told(202, with, document_of, place);
        if (wish.respond_async)
            out.fields.emplace_back("Preference-Applied", "respond-async");
        return out;
    }
    const auto time = std::min<std::chrono::milliseconds>(*wish.wait, with.longest_wait);
    const auto applied = fmt::format(
        "{}wait={}",
        wish.respond_async ? "respond-async, " : "",
        std::chrono::duration_cast<std::chrono::seconds>(time).count()
    );
    return delayed{time, [=](occasion why) -> std::optional<answer> {
                       const bool over = !with.from.is_underway(id);
                       if (!over && why == occasion::change)
                           return std::nullopt;
                       auto out = told(over ? 200 : 202, with, document_of, place);
                       out.fields.emplace_back("Preference-Applied", applied);
                       return out;
                   }};
}

/// 202 with what it is now, or why it cannot be cancelled.
reaction cancelled(
    const request& wanted,
    const surroundings& with,
    outcome_of<done> (backend::*cancel)(std::string_view, const peer&),
    reader document_of
)
{
    if (!is_ulid(wanted.id))
        return problem_answer(
            {problem_code::not_found, "there is none with that id"}, wanted.where.path
        );
    const auto result = (with.from.*cancel)(wanted.id, wanted.by);
    if (const auto* refused = std::get_if<problem>(&result); refused)
        return problem_answer(*refused, wanted.where.path);
    auto now = (with.from.*document_of)(wanted.id);
    if (!now) { // it waited, and nobody keeps anything of it
        audit_record gone;
        gone.id = wanted.id;
        gone.state = run_state::cancelled;
        now = std::make_shared<const std::string>(json::dump(gone));
    }
    auto out = json_answer(std::move(now));
    out.status = 202;
    return out;
}

} // namespace

answer invalid_body(const request& wanted, const json::parse_error& why)
{
    const auto where = why.field.empty() ? std::string("the body ") : why.field + ": ";
    return problem_answer(
        {problem_code::invalid_body,
         where + why.detail,
         {{json::pointer_of(why.field), why.detail}}},
        wanted.where.path
    );
}

reaction post_audit(const request& wanted, const surroundings& with)
{
    const auto order = json::parse_audit_order(wanted.body);
    if (!order)
        return invalid_body(wanted, order.error());
    return started(wanted, with, with.from.start_audit(*order, wanted.by), &backend::audit);
}

reaction delete_audit(const request& wanted, const surroundings& with)
{
    return cancelled(wanted, with, &backend::cancel_audit, &backend::audit);
}

reaction post_probe(const request& wanted, const surroundings& with)
{
    const auto order = json::parse_probe_order(wanted.body);
    if (!order)
        return invalid_body(wanted, order.error());
    return started(wanted, with, with.from.start_probe(*order, wanted.by), &backend::probe);
}

reaction delete_probe(const request& wanted, const surroundings& with)
{
    return cancelled(wanted, with, &backend::cancel_probe, &backend::probe);
}

} // namespace finwait::web
