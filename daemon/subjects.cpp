#include "daemon/subjects.hpp"

#include "daemon/errors.hpp"
#include "probe/model/possible.hpp"
#include "web/json/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace finwait::daemon {

namespace {

constexpr std::string_view built_in = "beast";
constexpr std::string_view everything = "all";

// NAME or NAME:MODE.
struct wanted_subject
{
    std::string name;
    std::string mode; ///< empty: none was named
};

wanted_subject parts_of(const std::string& text)
{
    const auto colon = text.find(':');
    if (colon == std::string::npos)
        return {.name = text, .mode = {}};
    return {.name = text.substr(0, colon), .mode = text.substr(colon + 1)};
}

// Recipes that were chosen, and the mode of each.
struct chosen_recipes
{
    std::vector<recipe> recipes;
    std::vector<std::string> modes; ///< one per recipe

    void add(recipe read, std::string mode)
    {
        if (!mode.empty() && read.mode(mode) == nullptr) {
            std::vector<std::string_view> right;
            for (const recipe_mode& each : read.modes)
                right.push_back(each.name);
            throw usage_error(fmt::format(
                "--subject: {} has no mode {}: {}",
                read.name,
                in_quotes(mode),
                suggestion(mode, right)
            ));
        }
        const auto is_it = [&](const recipe& each) {
            return each.name == read.name &&
                   modes[static_cast<std::size_t>(&each - recipes.data())] == mode;
        };
        if (std::any_of(recipes.begin(), recipes.end(), is_it))
            return;
        recipes.push_back(std::move(read));
        modes.push_back(std::move(mode));
    }
};

void add_recipes(chosen_recipes& out, const std::string& text, const recipe_shelf& shelf)
{
    if (text != everything) {
        auto wanted = parts_of(text);
        return out.add(shelf.load(wanted.name), std::move(wanted.mode));
    }
    for (const std::string& name : shelf.names())
        out.add(shelf.load(name), {});
}

void add_built_in(chosen_cells& out, const plan_arguments& words)
{
    for (plan& each : all_plans(words))
        out.cells.push_back({.plan = std::move(each), .id = {}, .client = {}});
}

// With their cells: whether these are reported is decided where the environment is known.
void note_absent(chosen_cells& out, const chosen_recipes& chosen, const looking& look)
{
    const auto found = look(chosen.recipes);
    for (std::size_t i = 0; i < chosen.recipes.size(); ++i) {
        const recipe& each = chosen.recipes[i];
        const bool is_known = std::any_of(out.absent.begin(), out.absent.end(), [&](const auto& a) {
            return a.what == each.name;
        });
        if (!found[i].is_there && !is_known)
            out.absent.push_back({each.name, found[i].reason, each.install});
    }
}

std::string reason_of_nothing(const chosen_recipes& chosen)
{
    std::string text = "nothing of what was chosen can be probed";
    if (chosen.recipes.empty())
        return text;
    const recipe& first = chosen.recipes.front();
    std::string points;
    for (const kill_point each : first.points)
        points += fmt::format(" {}", word(each));
    std::string kills;
    for (const kill_method each : first.kills)
        kills += fmt::format(" {}", word(each));
    return fmt::format("{}; the recipe of {} has:{}; by:{}", text, first.name, points, kills);
}

} // namespace

looking look_here()
{
    return [](std::span<const recipe> wanted) {
        return look_for(wanted);
    };
}

chosen_cells
choose_cells(const plan_arguments& words, const recipe_shelf& shelf, const looking& look)
{
    chosen_cells out{.cells = {}, .absent = {}, .by_name = chosen_by_name(words)};
    const choices what = understood(words);
    chosen_recipes chosen;
    if (words.subject.empty())
        add_built_in(out, words);
    for (const std::string& text : words.subject) {
        if (text == built_in && out.cells.empty())
            add_built_in(out, words);
        else if (text != built_in)
            add_recipes(chosen, text, shelf);
        if (text != everything)
            out.by_name.insert(parts_of(text).name);
    }
    for (std::size_t i = 0; i < chosen.recipes.size(); ++i) {
        auto cells = cells_of(chosen.recipes[i], what, chosen.modes[i]);
        std::move(cells.begin(), cells.end(), std::back_inserter(out.cells));
    }
    if (out.cells.empty())
        throw usage_error(reason_of_nothing(chosen));
    note_absent(out, chosen, look);
    return out;
}

chosen_cells
choose_cell(const plan_arguments& words, const recipe_shelf& shelf, const looking& look)
{
    const bool is_one =
        words.subject.size() <= 1 && (words.subject.empty() || words.subject.front() != everything);
    if (!is_one)
        throw usage_error("--subject: one is needed; `finwait audit` takes lists");
    chosen_cells out{.cells = {}, .absent = {}, .by_name = chosen_by_name(words)};
    if (words.subject.empty() || words.subject.front() == built_in) {
        out.cells.push_back({.plan = one_plan(words), .id = {}, .client = {}});
        return out;
    }
    chosen_recipes chosen;
    add_recipes(chosen, words.subject.front(), shelf);
    const recipe& from = chosen.recipes.front();
    const std::string name =
        chosen.modes.front().empty() ? from.right().name : chosen.modes.front();
    const recipe_mode& mode = *from.mode(name);
    const bool has_point = words.at.size() == 1 || (words.at.empty() && mode.at);
    const bool has_method = words.by.size() == 1 || (words.by.empty() && mode.by);
    if (!has_point || !has_method)
        throw usage_error("one --at and one --by are needed; `finwait audit` takes lists");
    out.cells = cells_of(from, understood(words), name);
    if (out.cells.empty() && words.at.size() == 1 && words.by.size() == 1)
        (void)one_plan(words, from.name, from.requests); // says why, where the recipe is not why
    if (out.cells.empty())
        throw usage_error(reason_of_nothing(chosen));
    out.cells.resize(1); // the plainest framing comes first
    note_absent(out, chosen, look);
    return out;
}

} // namespace finwait::daemon
