// From a plan that a client of the API asks for to a probe.
#include "daemon/audits/checks.hpp"
#include "daemon/audits/order.hpp"
#include "probe/target.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace finwait::daemon {

namespace {

using web::problem_code;

// `request.framing` as a JSON pointer.
std::string pointer_to(std::string field)
{
    std::replace(field.begin(), field.end(), '.', '/');
    return "/" + field;
}

void add_client(prepared_probe& out, const order_context& within)
{
    const recipe_shelf shelf(within.recipe_directories);
    const std::string& subject = out.line.plan.subject;
    if (subject == everything)
        refuse(problem_code::unknown_subject, "/subject", "a probe has one subject");
    try {
        check_subjects({subject}, shelf);
    } catch (refused& why) {
        why.why.errors.front().pointer = "/subject";
        throw;
    }
    const auto colon = subject.find(':');
    const recipe from = shelf.load(subject.substr(0, colon));
    const recipe_mode& mode =
        colon == std::string::npos ? from.right() : *from.mode(subject.substr(colon + 1));
    choices only;
    only.points = {out.line.plan.at};
    only.methods = {out.line.plan.by};
    if (out.line.plan.tls)
        only.schemes = {scheme::https};
    if (cells_of(from, only, mode.name).empty())
        refuse(
            problem_code::invalid_body,
            "/at",
            fmt::format(
                "{} cannot be killed at {} by {}",
                subject,
                word(out.line.plan.at),
                word(out.line.plan.by)
            )
        );
    out.line.client = order_of(from, mode, out.line.plan);
    out.recipes = {from};
}

prepared_probe made_of(const plan& wanted, const order_context& within)
{
    prepared_probe out;
    out.as_asked = completed(wanted);
    out.line.plan = out.as_asked;
    if (const target_settings* const target = target_of(wanted.target, within.how)) {
        check_literal(*target);
        out.line.plan.target = target->url;
        out.line.plan.target_tls = target->tls;
        out.line.plan.tls = is_https(target->url);
        out.as_asked.tls = out.line.plan.tls;
    }
    if (is_external(out.line.plan))
        add_client(out, within);
    if (const auto why = why_impossible(out.line.plan))
        refuse(problem_code::invalid_body, pointer_to(why->field), why->reason);
    audit_request alone{.plans = {out.line}};
    choose_crew_for(alone, wanted.target, within.how);
    out.crew = alone.crew;
    out.crew.jobs = 1;
    return out;
}

} // namespace

web::outcome_of<prepared_probe> prepare(const plan& wanted, const order_context& within)
{
    return or_problem<prepared_probe>([&] { return made_of(wanted, within); });
}

} // namespace finwait::daemon
