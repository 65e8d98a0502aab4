#include "daemon/recipe_shelf.hpp"

#include "daemon/errors.hpp"
#include "daemon/file_content.hpp"
#include "web/json/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <system_error>
#include <utility>

namespace finwait::daemon {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t largest_recipe_bytes = 256 * 1024;

bool runs_from_build_tree()
{
    std::error_code failed;
    const auto program = fs::read_symlink("/proc/self/exe", failed);
    const auto inside = program.lexically_relative(FINWAIT_BUILD_ROOT);
    return !failed && !inside.empty() && *inside.begin() != "..";
}

std::string text_of(const fs::path& file)
{
    auto [text, why_not] = content_of(file, largest_recipe_bytes + 1);
    if (!text)
        throw usage_error(fmt::format("{}: cannot be read: {}", file.string(), why_not));
    if (text->size() > largest_recipe_bytes)
        throw usage_error(fmt::format(
            "{}: a recipe has at most {} KiB", file.string(), largest_recipe_bytes / 1024
        ));
    return std::move(*text);
}

} // namespace

std::vector<fs::path> recipe_directories()
{
    const fs::path own = runs_from_build_tree()
                             ? fs::path(FINWAIT_SOURCE_ROOT) / "packaging" / "subjects"
                             : fs::path(FINWAIT_DATA_DIR) / "subjects";
    return {own, "/etc/finwait/subjects"};
}

recipe_shelf::recipe_shelf(std::vector<fs::path> directories) : directories_(std::move(directories))
{
}

std::vector<std::string> recipe_shelf::names() const
{
    std::set<std::string> found;
    for (const fs::path& directory : directories_) {
        std::error_code ignored; // no directory, no recipes
        for (const auto& entry : fs::directory_iterator(directory, ignored))
            if (entry.path().extension() == ".toml")
                found.insert(entry.path().stem().string());
    }
    return {found.begin(), found.end()};
}

recipe recipe_shelf::load(std::string_view name) const
{
    const auto known = names();
    if (std::find(known.begin(), known.end(), name) == known.end()) {
        std::vector<std::string_view> right{"beast", "all"};
        right.insert(right.end(), known.begin(), known.end());
        throw usage_error(fmt::format(
            "--subject: unknown subject {}: {}", in_quotes(name), suggestion(name, right)
        ));
    }
    fs::path file;
    for (const fs::path& directory : directories_) {
        const auto here = directory / fmt::format("{}.toml", name);
        if (std::error_code ignored; fs::exists(here, ignored))
            file = here;
    }
    auto read = parse_recipe(text_of(file), file);
    if (read.name != name)
        throw usage_error(fmt::format(
            "{}: the name in it is {}; it must be that of its file, {}",
            file.string(),
            in_quotes(read.name),
            in_quotes(name)
        ));
    return read;
}

} // namespace finwait::daemon
