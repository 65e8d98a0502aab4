// Whose clients are to be probed: from the words of the command line to cells.
#pragma once

#include "daemon/plan_arguments.hpp"
#include "daemon/presence.hpp"
#include "daemon/recipe_shelf.hpp"
#include "probe/model/audit.hpp"

#include <functional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace finwait::daemon {

/// What came of the words.
struct chosen_cells
{
    std::vector<json::plan_line> cells; ///< without ids, subject by subject as they were named
    std::vector<not_run> absent;        ///< subjects whose program is not here; with their cells
    std::set<std::string, std::less<>> by_name; ///< chosen_by_name(), and the subjects named
};

/// Asks for programs; look_for(), or what a test knows.
using looking = std::function<std::vector<presence>(std::span<const recipe>)>;
looking look_here();

/// The cells of `audit`. Subjects: `beast` (the built-in client; also when none is named), a
/// recipe's name (its matrix and its misuses), NAME:MODE (one mode), `all` (every recipe). Starts
/// the programs that tell the recipes' versions.
/// Throws usage_error: an unknown word, with the nearest right one; a recipe that is none; nothing
/// of what was chosen can be.
chosen_cells choose_cells(
    const plan_arguments& words, const recipe_shelf& shelf, const looking& look = look_here()
);

/// The cell of `probe`: one subject, in its right mode unless one is named.
chosen_cells choose_cell(
    const plan_arguments& words, const recipe_shelf& shelf, const looking& look = look_here()
);

} // namespace finwait::daemon
