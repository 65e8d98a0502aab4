#include "daemon/audits/checks.hpp"

#include "daemon/errors.hpp"

#include <algorithm>

namespace finwait::daemon {

using web::problem;
using web::problem_code;

void refuse(problem_code code, std::string pointer, std::string detail)
{
    problem why{.code = code, .detail = detail};
    if (!pointer.empty())
        why.errors.push_back({.pointer = std::move(pointer), .detail = std::move(detail)});
    throw refused{std::move(why)};
}

const target_settings* target_of(const std::string& name, const configuration& how)
{
    if (name == lab_target)
        return nullptr;
    const auto found = std::find_if(how.targets.begin(), how.targets.end(), [&](const auto& each) {
        return each.name == name;
    });
    if (found != how.targets.end())
        return &*found;
    auto right = views_of(how.targets);
    right.push_back(lab_target);
    refuse(
        problem_code::unknown_target,
        "/target",
        fmt::format("no target {}; {}", in_quotes(name), suggestion(name, right))
    );
}

void check_literal(const target_settings& target)
{
    if (const auto wrong = forbidden_address_of(target))
        refuse(
            problem_code::target_not_allowed,
            "/target",
            fmt::format("{} {}", target.name, wrong->text())
        );
}

void check_subjects(const std::vector<std::string>& subjects, const recipe_shelf& shelf)
{
    for (std::size_t i = 0; i < subjects.size(); ++i) {
        if (subjects[i] == built_in || subjects[i] == everything)
            continue;
        const auto colon = subjects[i].find(':');
        const auto refuse_here = [&](const std::string& detail) {
            refuse(problem_code::unknown_subject, fmt::format("/subjects/{}", i), detail);
        };
        const auto name = subjects[i].substr(0, colon);
        const auto known = shelf.names();
        if (std::find(known.begin(), known.end(), name) == known.end()) {
            std::vector<std::string_view> right{built_in, everything};
            right.insert(right.end(), known.begin(), known.end());
            refuse_here(fmt::format("no subject {}; {}", in_quotes(name), suggestion(name, right)));
        }
        try {
            const auto read = shelf.load(name);
            if (colon != std::string::npos && read.mode(subjects[i].substr(colon + 1)) == nullptr)
                refuse_here(fmt::format(
                    "{} has no mode {}; {}",
                    name,
                    in_quotes(subjects[i].substr(colon + 1)),
                    suggestion(subjects[i].substr(colon + 1), views_of(read.modes))
                ));
        } catch (const usage_error& error) {
            refuse_here(error.what());
        }
    }
}

} // namespace finwait::daemon
