// From the words of the configuration or of a request to an audit that can be run.
#pragma once

#include "daemon/audit_run.hpp"
#include "daemon/config/configuration.hpp"
#include "daemon/presence.hpp"
#include "daemon/recipe.hpp"
#include "web/backend.hpp"

#include <filesystem>
#include <string>
#include <variant>
#include <vector>

namespace finwait::daemon {

/// The name of an audit that nobody configured.
constexpr std::string_view ad_hoc = "ad hoc";

/// An audit that is ready to run, but for whether the programs of its recipes are here.
struct prepared_audit
{
    std::string name; ///< of the configuration, or ad_hoc
    /// What makes two of them the same: the name, or the choice in one canonical text.
    std::string key;
    std::string target = "origin"; ///< its name
    std::vector<recipe> recipes;   ///< whose programs are to be looked for, each once
    audit_request request;
};

/// What an order is measured against: the configuration's part of it.
struct order_context
{
    const configuration& how;
    std::vector<std::filesystem::path> recipe_directories; ///< lower precedence first
};

/// One of the configuration. Reads recipes. A configured audit that cannot be (a recipe that is
/// gone or no recipe) is a problem as well: `unknown_subject`, `bad_config`.
web::outcome_of<prepared_audit> prepare(const audit_settings& wanted, const order_context& within);

/// One that a client of the API asks for: by name, or by a choice of names. Problems:
/// `not_found` (no audit of that name), `unknown_subject`, `unknown_target`, `target_not_allowed`
/// (a target's literal address), `invalid_body` with the place of each wrong word.
web::outcome_of<prepared_audit>
prepare(const web::audit_order& wanted, const order_context& within);

/// A single probe that a client of the API asks for: subject and target are names.
struct prepared_probe
{
    plan as_asked; ///< completed; its target is the name
    std::vector<recipe> recipes;
    json::plan_line line; ///< its target is the URL
    crew_options crew;    ///< of one worker, and what it may reach
};
web::outcome_of<prepared_probe> prepare(const plan& wanted, const order_context& within);

/// How many workers, what they may reach, and how fast one that is not ours is asked.
void choose_crew_for(audit_request& request, const std::string& target, const configuration& how);

/// The programs that were looked for and are not here, as an audit tells of them.
std::vector<not_run>
absent_of(const std::vector<recipe>& wanted, const std::vector<presence>& found);

} // namespace finwait::daemon
