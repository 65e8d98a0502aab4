#include "daemon/audits/order.hpp"

#include "daemon/audits/checks.hpp"
#include "daemon/crew_choice.hpp"
#include "daemon/errors.hpp"
#include "daemon/subjects.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace finwait::daemon {

namespace {

using web::problem_code;

// Takes every program for present, and remembers which were asked for.
looking remembering(std::vector<recipe>& recipes)
{
    return [&recipes](std::span<const recipe> wanted) {
        recipes.assign(wanted.begin(), wanted.end());
        return std::vector<presence>(
            wanted.size(), presence{.is_there = true, .version = {}, .reason = {}}
        );
    };
}

void keep_framings(std::vector<json::plan_line>& cells, const std::vector<std::string>& framings)
{
    const auto wanted = chosen_words<framing>(framings, "framing");
    if (wanted.empty())
        return;
    std::erase_if(cells, [&](const json::plan_line& each) {
        return std::find(wanted.begin(), wanted.end(), word(each.plan.request.how)) == wanted.end();
    });
    if (cells.empty())
        refuse(
            problem_code::invalid_body, "/framing", "no cell of what was chosen has this framing"
        );
}

// What configuration and requests have in common.
struct choice_words
{
    const std::vector<std::string>& at;
    const std::vector<std::string>& by;
    const std::vector<std::string>& framing;
    const std::vector<std::string>& subjects;
    const std::string& target;
    bool tls = false;
    bool ipv6 = false;
    unsigned repeat = 1;
};

prepared_audit made_of_words(const choice_words& wanted, const order_context& within)
{
    plan_arguments arguments;
    arguments.at = chosen_words<kill_point>(wanted.at, "at");
    arguments.by = chosen_words<kill_method>(wanted.by, "by");
    arguments.subject = wanted.subjects;
    arguments.ipv6 = wanted.ipv6;
    const target_settings* const target = target_of(wanted.target, within.how);
    if (target != nullptr) {
        check_literal(*target);
        arguments.target = target->url;
        arguments.target_tls = target->tls;
    } else {
        arguments.tls = wanted.tls; // a URL says it itself
    }
    const recipe_shelf shelf(within.recipe_directories);
    check_subjects(wanted.subjects, shelf);
    prepared_audit out;
    out.target = wanted.target;
    try {
        auto chosen = choose_cells(arguments, shelf, remembering(out.recipes));
        out.request.plans = std::move(chosen.cells);
        out.request.by_name = std::move(chosen.by_name);
    } catch (const usage_error& error) {
        refuse(problem_code::invalid_body, {}, error.what());
    }
    keep_framings(out.request.plans, wanted.framing);
    out.request.repeat = std::max(1U, wanted.repeat);
    if (auto why = why_too_many(out.request.plans.size(), out.request.repeat))
        refuse(problem_code::invalid_body, "/repeat", std::move(*why));
    choose_crew_for(out.request, wanted.target, within.how);
    return out;
}

std::string sorted(std::vector<std::string> list)
{
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
    return fmt::format("{}", fmt::join(list, ","));
}

std::string key_of(const web::audit_order& wanted)
{
    return fmt::format(
        "choice at={} by={} framing={} subjects={} target={} tls={} repeat={}",
        sorted(wanted.at),
        sorted(wanted.by),
        sorted(wanted.framing),
        sorted(wanted.subjects),
        wanted.target.value_or(std::string(lab_target)),
        wanted.tls,
        wanted.repeat
    );
}

bool has_choice(const web::audit_order& wanted)
{
    return !wanted.at.empty() || !wanted.by.empty() || !wanted.framing.empty() ||
           !wanted.subjects.empty() || wanted.target || wanted.tls || wanted.repeat != 1;
}

const audit_settings& configured(const std::string& name, const configuration& how)
{
    const auto found = std::find_if(how.audits.begin(), how.audits.end(), [&](const auto& each) {
        return each.name == name;
    });
    if (found == how.audits.end())
        refuse(
            problem_code::not_found,
            "/name",
            fmt::format(
                "no audit of the configuration is named {}; {}",
                in_quotes(name),
                suggestion(name, views_of(how.audits))
            )
        );
    return *found;
}

prepared_audit made_of(const audit_settings& wanted, const order_context& within)
{
    const std::vector<std::string> every_framing;
    prepared_audit out = made_of_words(
        {.at = wanted.at,
         .by = wanted.by,
         .framing = every_framing,
         .subjects = wanted.subjects,
         .target = wanted.target,
         .tls = wanted.tls,
         .ipv6 = wanted.ipv6,
         .repeat = wanted.repeat},
        within
    );
    out.name = wanted.name;
    out.key = "name " + wanted.name;
    return out;
}

prepared_audit made_of(const web::audit_order& wanted, const order_context& within)
{
    if (wanted.name && has_choice(wanted))
        refuse(
            problem_code::invalid_body,
            "/name",
            "a named audit is as the configuration has it: nothing else can be chosen with it"
        );
    if (wanted.name)
        return made_of(configured(*wanted.name, within.how), within);
    const std::string target = wanted.target.value_or(std::string(lab_target));
    prepared_audit out = made_of_words(
        {.at = wanted.at,
         .by = wanted.by,
         .framing = wanted.framing,
         .subjects = wanted.subjects,
         .target = target,
         .tls = wanted.tls,
         .repeat = wanted.repeat},
        within
    );
    out.name = ad_hoc;
    out.key = key_of(wanted);
    return out;
}

} // namespace

web::outcome_of<prepared_audit> prepare(const audit_settings& wanted, const order_context& within)
{
    return or_problem<prepared_audit>([&] { return made_of(wanted, within); });
}

web::outcome_of<prepared_audit> prepare(const web::audit_order& wanted, const order_context& within)
{
    return or_problem<prepared_audit>([&] { return made_of(wanted, within); });
}

void choose_crew_for(audit_request& request, const std::string& target, const configuration& how)
{
    request.crew = choose_crew(request.plans, how.limits.workers, how.limits.in_flight);
    request.crew.worker.is_courteous = true; // the API and the machine's own work come first
    const auto found = std::find_if(how.targets.begin(), how.targets.end(), [&](const auto& each) {
        return each.name == target;
    });
    if (found == how.targets.end())
        return;
    request.crew.jobs = 1;
    request.crew.worker.targets = policy_of(*found);
    request.crew.pace = how.limits.per_target_interval;
}

std::vector<not_run>
absent_of(const std::vector<recipe>& wanted, const std::vector<presence>& found)
{
    std::vector<not_run> absent;
    for (std::size_t i = 0; i < wanted.size() && i < found.size(); ++i) {
        const bool is_known = std::any_of(absent.begin(), absent.end(), [&](const not_run& each) {
            return each.what == wanted[i].name;
        });
        if (!found[i].is_there && !is_known)
            absent.push_back({wanted[i].name, found[i].reason, wanted[i].install});
    }
    return absent;
}

} // namespace finwait::daemon
