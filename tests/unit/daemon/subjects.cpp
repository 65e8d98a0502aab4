// From the names of subjects to cells, with programs that are there or not as the test says.
#include "daemon/subjects.hpp"

#include "daemon/errors.hpp"
#include "tests/unit/daemon/folder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>

using namespace finwait;
using namespace finwait::daemon;

namespace {

// Two recipes: `there` is there, `gone` is not.
class shelf_of_two
{
public:
    shelf_of_two()
    {
        for (const char* name : {"there", "gone"})
            (void)folder_.file(
                std::string(name) + ".toml",
                std::string("name = '") + name +
                    "'\nabout = 'x'\nkind = 'driver'\nrequires = ['x']\n"
                    "install = 'apt install it'\ncommand = ['x', '{url}']\n"
                    "kills = ['sigkill', 'own']\npoints = ['await_response', 'response_body']\n"
                    "framings = ['none', 'length']\n"
                    "[modes.right]\nabout = 'x'\n[modes.more]\nabout = 'x'\nextra = true\n"
                    "[modes.kept]\nabout = 'x'\nmisuse = true\nat = 'response_body'\nby = 'own'\n"
            );
    }
    recipe_shelf shelf() const { return recipe_shelf({folder_.path()}); }

private:
    sample::folder folder_;
};

std::vector<presence> look_up(std::span<const recipe> wanted)
{
    std::vector<presence> found;
    for (const recipe& each : wanted)
        found.push_back(
            each.name == "there" ? presence{.is_there = true, .version = "1", .reason = {}}
                                 : presence{.is_there = false, .version = {}, .reason = "no x"}
        );
    return found;
}

plan_arguments of(std::vector<std::string> subjects)
{
    plan_arguments words;
    words.subject = std::move(subjects);
    return words;
}

chosen_cells cells(const plan_arguments& words)
{
    return choose_cells(words, shelf_of_two().shelf(), look_up);
}

std::map<std::string, std::size_t> by_subject(const chosen_cells& chosen)
{
    std::map<std::string, std::size_t> counts;
    for (const auto& each : chosen.cells)
        ++counts[each.plan.subject];
    return counts;
}

template <class Function>
std::string complaint(Function does)
{
    try {
        (void)does();
    } catch (const usage_error& error) {
        return error.what();
    }
    return {};
}

} // namespace

TEST_SUITE_BEGIN("daemon/subjects");

TEST_CASE("without a subject it is the built-in client's matrix")
{
    const auto chosen = cells({});
    CHECK(chosen.cells.size() == all_plans({}).size());
    CHECK(chosen.absent.empty());
    CHECK(std::none_of(chosen.cells.begin(), chosen.cells.end(), [](const auto& each) {
        return each.client.has_value();
    }));
}

TEST_CASE("a recipe's name is its matrix and its misuses")
{
    const auto chosen = cells(of({"there"}));
    CHECK(
        (by_subject(chosen) == std::map<std::string, std::size_t>{{"there", 8}, {"there:kept", 1}})
    );
    CHECK(chosen.absent.empty());
    CHECK(chosen.by_name.contains("there"));
}

TEST_CASE("several subjects, in the order they were named, each once")
{
    const auto chosen = cells(of({"there:more", "beast", "there", "there", "beast"}));
    const auto counts = by_subject(chosen);
    CHECK(counts.at("beast") == all_plans({}).size());
    CHECK(counts.at("there") == 8);
    CHECK(counts.at("there:more") == 8);
    CHECK(counts.at("there:kept") == 1);
}

TEST_CASE("all is every recipe; those whose program is absent are told, with the cure")
{
    const auto chosen = cells(of({"all"}));
    CHECK(by_subject(chosen).at("there") == 8);
    REQUIRE(chosen.absent.size() == 1);
    CHECK((chosen.absent[0] == not_run{"gone", "no x", "apt install it"}));
    CHECK_FALSE(chosen.by_name.contains("gone"));
    CHECK(cells(of({"gone"})).by_name.contains("gone"));
}

TEST_CASE("wrong names are answered with the nearest right ones")
{
    CHECK(complaint([] { return cells(of({"ther"})); }).find("\"there\"") != std::string::npos);
    CHECK(complaint([] { return cells(of({"baest"})); }).find("\"beast\"") != std::string::npos);
    CHECK(complaint([] {
              return cells(of({"there:kpet"}));
          }).find("\"kept\"") != std::string::npos);
    CHECK_FALSE(complaint([] { return cells(of({""})); }).empty());
}

TEST_CASE("of what a recipe cannot, nothing is left, and it is said what it can")
{
    auto words = of({"there"});
    words.at = {"idle"};
    const auto text = complaint([&] { return cells(words); });
    CHECK(text.find("await_response response_body") != std::string::npos);
    CHECK(text.find("sigkill own") != std::string::npos);
}

TEST_CASE("probe takes one cell of one subject, the plainest")
{
    const auto one = [](plan_arguments words) {
        return choose_cell(words, shelf_of_two().shelf(), look_up);
    };
    auto words = of({"there"});
    words.at = {"response_body"};
    words.by = {"sigkill"};
    const auto chosen = one(words);
    REQUIRE(chosen.cells.size() == 1);
    CHECK(chosen.cells[0].plan.subject == "there");
    CHECK((chosen.cells[0].plan.request == body{}));
    words.request = "length:5";
    CHECK((one(words).cells[0].plan.request == body{framing::length, 5}));
    words.subject = {"there:more"};
    CHECK(one(words).cells[0].plan.subject == "there:more");
    CHECK(one(of({"there:kept"})).cells[0].client->is_misuse); // its cell is known
    words.subject = {"gone"};
    CHECK(one(words).absent.size() == 1);
    words.subject = {};
    CHECK_FALSE(one(words).cells[0].client);
    CHECK_FALSE(complaint([&] { return one(of({"there"})); }).empty());
    CHECK_FALSE(complaint([&] { return one(of({"all"})); }).empty());
    words.subject = {"there", "beast"};
    CHECK_FALSE(complaint([&] { return one(words); }).empty());
    words.subject = {"there"};
    words.by = {"sigint"};
    CHECK(complaint([&] { return one(words); }).find("sigkill own") != std::string::npos);
}

TEST_SUITE_END();
