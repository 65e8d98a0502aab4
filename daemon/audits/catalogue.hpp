// What can be asked for by name: subjects, targets, and the settings in force, as the API shows
// them.
#pragma once

#include "daemon/config/configuration.hpp"
#include "daemon/presence.hpp"
#include "daemon/recipe.hpp"
#include "web/records.hpp"

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace finwait::daemon {

/// The recipes that can be read, by their names; what cannot be is left out. Blocking: files.
std::vector<recipe> readable_recipes(const std::vector<std::filesystem::path>& directories);

/// What is known of their programs, by the recipes' names.
using known_programs = std::map<std::string, presence, std::less<>>;

/// The built-in client first. Of a recipe whose program was not asked for yet nothing is said of
/// whether it is here. Pure.
std::vector<web::subject_record>
subject_records(std::span<const recipe> recipes, const known_programs& known);

/// The origin first; URLs without their query, which may hold a secret. Pure.
std::vector<web::target_record> target_records(const configuration& how);

/// Pure.
web::settings_record settings_of(const configuration& how);

} // namespace finwait::daemon
