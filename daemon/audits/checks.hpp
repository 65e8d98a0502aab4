// What can be wrong with an order, checked piece by piece; for the sources that make orders into
// audits and probes. A check that fails leaves by an exception, which or_problem() catches.
#pragma once

#include "daemon/config/bounds.hpp"
#include "daemon/config/configuration.hpp"
#include "daemon/recipe_shelf.hpp"
#include "web/backend.hpp"
#include "web/json/nearest.hpp"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace finwait::daemon {

/// Words with a meaning of their own among names.
constexpr std::string_view everything = "all";
constexpr std::string_view lab_target = "origin";
constexpr std::string_view built_in = "beast";

/// What is wrong, on its way to or_problem().
struct refused
{
    web::problem why;
};

/// `pointer`: of the place in a body (RFC 6901), or empty.
[[noreturn]] void refuse(web::problem_code code, std::string pointer, std::string detail);

/// What `make` gives, or what was refused.
template <class Result, class Make>
web::outcome_of<Result> or_problem(Make make)
{
    try {
        return make();
    } catch (refused& why) {
        return std::move(why.why);
    }
}

/// The names of settings.
template <class Names>
std::vector<std::string_view> views_of(const Names& all)
{
    std::vector<std::string_view> names;
    names.reserve(all.size());
    for (const auto& each : all)
        names.push_back(each.name);
    return names;
}

/// Words of an enumeration, checked; empty when every one is meant. `key`: where they stand.
template <class Enum>
std::vector<std::string> chosen_words(const std::vector<std::string>& texts, std::string_view key)
{
    std::vector<std::string> chosen;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        if (texts[i] == everything)
            return {};
        if (!from_word<Enum>(texts[i]))
            refuse(
                web::problem_code::invalid_body,
                fmt::format("/{}/{}", key, i),
                fmt::format(
                    "no {} {}; {}",
                    words<Enum>::what,
                    in_quotes(texts[i]),
                    suggestion(texts[i], words<Enum>::table)
                )
            );
        chosen.push_back(texts[i]);
    }
    return chosen;
}

/// A target of the configuration; null: the lab's own origin. Refuses an unknown one.
const target_settings* target_of(const std::string& name, const configuration& how);

/// Refuses a target whose literal address it may not have. A name is looked at when it has been
/// resolved, by whoever connects to what it resolved to.
void check_literal(const target_settings& target);

/// The subjects are there, and can be read: choose_cells() would say so with less to point at.
void check_subjects(const std::vector<std::string>& subjects, const recipe_shelf& shelf);

} // namespace finwait::daemon
