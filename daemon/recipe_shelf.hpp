// Where recipes are found.
#pragma once

#include "daemon/recipe.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace finwait::daemon {

/// The directories of this program, of the lower precedence first: those that came with it (of the
/// source tree when it runs from its build tree, else share/finwait/subjects of its prefix), and
/// /etc/finwait/subjects.
std::vector<std::filesystem::path> recipe_directories();

/// The recipes of some directories, each a file NAME.toml; of two with the same name the one in the
/// later directory counts. A directory that is not there is empty.
class recipe_shelf
{
public:
    explicit recipe_shelf(std::vector<std::filesystem::path> directories);

    /// Sorted.
    std::vector<std::string> names() const;

    /// Reads one. Throws usage_error: there is none of that name, with the nearest one; it cannot
    /// be read; it is no recipe (parse_recipe()); its name is not that of its file.
    recipe load(std::string_view name) const;

private:
    std::vector<std::filesystem::path> directories_;
};

} // namespace finwait::daemon
