// Recipes: what is read, what is refused and where, and the cells that come of one.
#include "daemon/recipe.hpp"

#include "daemon/errors.hpp"
#include "web/json/client_limits.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

using namespace finwait;
using namespace finwait::daemon;

namespace {

const std::string head = "name = 'c'\n"                                                         // 1
                         "about = 'a client'\n"                                                 // 2
                         "kind = 'driver'\n"                                                    // 3
                         "requires = ['c', '--version']\n"                                      // 4
                         "install = 'apt install c'\n"                                          // 5
                         "command = ['{here}/c', '{mode}', '{url}', '{requests}', '{other}']\n" // 6
                         "kills = ['sigkill', 'own']\n";                                        // 7

const std::string misuse = "[modes.right]\nabout = 'closed'\n"
                           "[modes.kept]\nabout = 'kept'\nmisuse = true\nat = 'response_body'\n"
                           "by = 'own'\nrequests = 3\nresponse = 'length:8m'\n"
                           "[modes.other]\nabout = 'another'\nextra = true\nrequests = 20\n";

recipe read(const std::string& text)
{
    return parse_recipe(text, "/r/c.toml");
}

std::string complaint(const std::string& text)
{
    try {
        (void)read(text);
    } catch (const usage_error& error) {
        return error.what();
    }
    return {};
}

// The head with one of its lines replaced.
std::string but(std::size_t line, const std::string& replacement)
{
    std::string out;
    std::size_t number = 1;
    for (std::size_t at = 0; at < head.size(); ++number) {
        const auto end = head.find('\n', at);
        out += number == line ? replacement : head.substr(at, end - at);
        out += '\n';
        at = end + 1;
    }
    return out;
}

bool is_possible(const json::plan_line& cell)
{
    return !why_impossible(cell.plan) && cell.client && !json::why_refused(*cell.client);
}

} // namespace

TEST_SUITE_BEGIN("daemon/recipe");

TEST_CASE("a recipe is read, what it leaves out has its default")
{
    const recipe c = read(head);
    CHECK(c.name == "c");
    CHECK(c.kind == recipe_kind::driver);
    CHECK(c.here == "/r");
    CHECK((c.framings == std::vector{framing::none}));
    CHECK((c.kills == std::vector{kill_method::sigkill, kill_method::own}));
    CHECK(c.points.size() == 8);
    CHECK(c.requests == 1);
    CHECK(c.own_timeout == std::chrono::seconds(1));
    CHECK((c.settle == subject::client_order{}.settle));
    CHECK(c.right().name == "default");
}

TEST_CASE("everything that a recipe may say is read")
{
    const recipe c = read(
        head +
        "version = '>=2, <3'\nenv = { B = '{here}/x', A = '{url}' }\nhold = '^H$'\n"
        "release_hold = 'go'\nframings = ['chunked', 'none', 'length']\ntls = true\n"
        "survives = ['own']\npoints = ['idle', 'connect']\nretries = 3\nrequests = 2\n"
        "timeout_ms = 700\nsettle_ms = [100, 200]\nbaseline = 4\n" +
        misuse
    );
    CHECK(c.versions.size() == 2);
    CHECK(c.tls);
    CHECK((c.points == std::vector{kill_point::connect, kill_point::idle}));
    CHECK((c.framings == std::vector{framing::none, framing::length, framing::chunked}));
    CHECK((c.survives == std::vector{kill_method::own}));
    CHECK(c.retries == 3);
    REQUIRE(c.modes.size() == 3);
    CHECK(c.right().name == "right");
    REQUIRE(c.mode("kept") != nullptr);
    CHECK(c.mode("kept")->use == mode_use::misuse);
    CHECK((c.mode("kept")->response == body{framing::length, 8 * mebibyte}));
    CHECK(c.mode("none") == nullptr);

    const auto order = order_of(c, c.right(), plan{});
    CHECK((order.variables == decltype(order.variables){{"A", "{url}"}, {"B", "/r/x"}}));
    CHECK(order.hold == "^H$");
    CHECK(order.release_hold == "go");
    CHECK(order.own_timeout == std::chrono::milliseconds(700));
    CHECK(order.settle.back() == std::chrono::milliseconds(200));
    CHECK(order.baseline == 4);
    CHECK(order.is_driver);
    CHECK(order.retries == 3);
}

TEST_CASE("a baseline is measured in the right use, with as many requests at once as the cell has")
{
    const recipe c = read(
        but(6, "command = ['x', '{mode}', '{requests}', '{url}']") +
        "[modes.right]\nabout = 'r'\n[modes.twenty]\nabout = 't'\nextra = true\n"
        "sequential = true\nrequests = 20\n"
    );
    plan cell;
    cell.requests = 3;
    const auto right = order_of(c, c.right(), cell);
    CHECK((right.success_command == std::vector<std::string>{"x", "right", "3", "{url}"}));
    CHECK(right.success_requests == 3);
    cell.requests = 20;
    const auto twenty = order_of(c, *c.mode("twenty"), cell);
    CHECK((twenty.command == std::vector<std::string>{"x", "twenty", "20", "{url}"}));
    CHECK((twenty.success_command == std::vector<std::string>{"x", "right", "1", "{url}"}));
    CHECK(twenty.success_requests == 1);
    CHECK_FALSE(json::why_refused(twenty));

    recipe command = c;
    command.kind = recipe_kind::oneshot;
    CHECK(order_of(command, command.right(), cell).success_command.empty());
}

TEST_CASE("what a recipe says it survives is said of its right use alone, and not of being stopped")
{
    const recipe c = read(head + "survives = ['own']\n" + misuse);
    plan cell;
    cell.by = kill_method::own;
    CHECK(order_of(c, c.right(), cell).survives == true);
    CHECK_FALSE(order_of(c, *c.mode("kept"), cell).survives);
    cell.by = kill_method::sigkill;
    CHECK(order_of(c, c.right(), cell).survives == false);
    cell.by = kill_method::stop;
    CHECK_FALSE(order_of(c, c.right(), cell).survives);
}

TEST_CASE("what is refused, where, with which advice")
{
    struct row
    {
        std::string text;
        std::string_view where;
        std::string_view advice;
    };
    const row rows[] = {
        {"name = ", "/r/c.toml:1:", "value"},
        {but(2, "about 'x'"), "/r/c.toml:2:", "="},
        {head + "name = 'd'\n", "/r/c.toml:8:", "name"},
        {but(3, ""), "/r/c.toml:1:1:", "kind is missing"},
        {but(3, "kind = 'drivr'"), "/r/c.toml:3:8:", "did you mean \"driver\"?"},
        {but(3, "kind = 7"), "/r/c.toml:3:8:", "string"},
        {but(3, "kinds = 'driver'"), "/r/c.toml:3:1:", "did you mean \"kind\"?"},
        {but(1, "name = 'C 1'"), "/r/c.toml:1:8:", "lower case"},
        {but(1, "name = 'beast'"), "/r/c.toml:1:8:", "given already"},
        {but(1, "name = 'all'"), "/r/c.toml:1:8:", "given already"},
        {but(4, "requires = []"), "/r/c.toml:4:", "a program"},
        {but(4, "requires = 'c'"), "/r/c.toml:4:", "list"},
        {but(6, "command = []"), "/r/c.toml:6:", "a program"},
        {but(6, "command = ['c', 1]"), "/r/c.toml:6:17:", "command[1] must be a string"},
        {but(7, "kills = []"), "/r/c.toml:7:", "at least one"},
        {but(7, "kills = ['sigkill', 'sigtrem']"),
         "/r/c.toml:7:21:",
         "no kill method \"sigtrem\"; did you mean \"sigterm\"?"},
        {but(7, "kills = ['abandon']"), "/r/c.toml:7:", "built-in"},
        {but(7, "kills = ['exit']"), "/r/c.toml:7:", "built-in"},
        {head + "version = '2.0'\n", "/r/c.toml:8:11:", ">=2.0"},
        {head + "hold = '('\n", "/r/c.toml:8:8:", "regular expression"},
        {head + "framings = ['until_close']\n", "/r/c.toml:8:", "chunked"},
        {head + "framings = ['chunkd']\n", "/r/c.toml:8:13:", "did you mean \"chunked\"?"},
        {head + "tls = 'yes'\n", "/r/c.toml:8:7:", "true or false"},
        {head + "points = ['idel']\n", "/r/c.toml:8:11:", "did you mean \"idle\"?"},
        {head + "points = []\n", "/r/c.toml:8:", "at least one"},
        {head + "survives = ['stop']\n", "/r/c.toml:8:", "not among the kills"},
        {head + "requests = 0\n", "/r/c.toml:8:12:", "at least 1"},
        {head + "requests = -1\n", "/r/c.toml:8:12:", "whole number"},
        {head + "requests = 1.5\n", "/r/c.toml:8:12:", "whole number"},
        {head + "timeout_ms = 0\n", "/r/c.toml:8:14:", "from 1"},
        {head + "settle_ms = [5, 1]\n", "/r/c.toml:8:13:", "ascend"},
        {head + "settle_ms = 500\n", "/r/c.toml:8:13:", "list"},
        {head + "baseline = 20000\n", "/r/c.toml:8:12:", "10000"},
        {head + "env = ['A=1']\n", "/r/c.toml:8:7:", "table"},
        {head + "env = { A = 1 }\n", "/r/c.toml:8:13:", "env.A must be a string"},
        {head + "modes = 3\n", "/r/c.toml:8:9:", "table"},
        {head + "[mode.x]\nabout = 'x'\n", "/r/c.toml:8:", "did you mean \"modes\"?"},
        {head + "[modes.'A b']\nabout = 'x'\n", "/r/c.toml:8:", "no name of a mode"},
        {head + "[modes.a]\n", "/r/c.toml:8:", "modes.a.about is missing"},
        {head + "[modes.a]\nabout = 'x'\nmissuse = true\n",
         "/r/c.toml:10:1:",
         "did you mean \"misuse\"?"},
        {head + "[modes.a]\nabout = 'x'\nmisuse = true\nextra = true\n", "/r/c.toml:11:", "misuse"},
        {head + "[modes.a]\nabout = 'x'\n[modes.b]\nabout = 'x'\nmisuse = true\n",
         "/r/c.toml:10:",
         "`at` and `by`"},
        {head + "[modes.a]\nabout = 'x'\n[modes.b]\nabout = 'x'\n", "/r/c.toml:", "exactly one"},
        {head + "[modes.a]\nabout = 'x'\nextra = true\n", "/r/c.toml:", "and has none"},
        {head + "[modes.a]\nabout = 'x'\nresponse = 'length'\n", "/r/c.toml:10:12:", "no body"},
        {head + "[modes.a]\nabout = 'x'\nresponse = 'lenght:1'\n",
         "/r/c.toml:10:12:",
         "\"length\""},
        {head + "[modes.a]\nabout = 'x'\nrequests = 0\n", "/r/c.toml:10:12:", "at least 1"},
    };
    for (const auto& each : rows) {
        const auto text = complaint(each.text);
        CAPTURE(each.text);
        CAPTURE(text);
        CHECK(text.starts_with(each.where));
        CHECK(text.find(each.advice) != std::string::npos);
    }
}

TEST_CASE("only what is known here is replaced, and once")
{
    plan cell;
    cell.requests = 5;
    const recipe c = parse_recipe(head, "/a {mode}/c.toml");
    CHECK(
        (order_of(c, c.right(), cell).command ==
         std::vector<std::string>{"/a {mode}/c", "default", "{url}", "5", "{other}"})
    );
}

TEST_CASE("the matrix has every point, kill and framing of the recipe, and its misuse once")
{
    const recipe c = read(head + "framings = ['none', 'length', 'chunked']\n" + misuse);
    const auto cells = cells_of(c, {});
    CHECK(std::all_of(cells.begin(), cells.end(), is_possible));
    std::map<std::pair<kill_point, kill_method>, std::set<framing>> seen;
    std::size_t controls = 0;
    for (const auto& each : cells) {
        if (each.client->is_misuse) {
            ++controls;
            continue;
        }
        CHECK(each.plan.subject == "c");
        CHECK(each.client->command[1] == "right");
        CHECK_FALSE(each.plan.tls);
        CHECK(each.plan.blocked == (each.plan.at == kill_point::request_body));
        CHECK(each.plan.method == (each.plan.request.how == framing::none ? "GET" : "POST"));
        CHECK(seen[{each.plan.at, each.plan.by}].insert(each.plan.request.how).second);
    }
    CHECK(controls == 1);
    for (const kill_point at : c.points)
        for (const kill_method by : c.kills) {
            CAPTURE(word(at));
            CAPTURE(word(by));
            const std::size_t framings = at == kill_point::request_body ? 2 : 3;
            CHECK(seen[{at, by}].size() == framings);
        }
    const auto& control = cells.back();
    CHECK(control.plan.subject == "c:kept");
    CHECK(control.plan.at == kill_point::response_body);
    CHECK(control.plan.by == kill_method::own);
    CHECK(control.plan.requests == 3);
    CHECK((control.plan.response == body{framing::length, 8 * mebibyte}));
    CHECK(control.client->command[1] == "kept");
    CHECK(control.client->command[3] == "3");
}

TEST_CASE("a mode by name gives its own cells")
{
    const recipe c = read(head + misuse);
    const auto right = cells_of(c, {}, "right");
    CHECK(std::none_of(right.begin(), right.end(), [](const auto& each) {
        return each.client->is_misuse;
    }));
    CHECK(cells_of(c, {}, "kept").size() == 1);
    const auto other = cells_of(c, {}, "other");
    CHECK(other.size() == right.size());
    CHECK(std::all_of(other.begin(), other.end(), [](const auto& each) {
        return each.plan.subject == "c:other" && each.plan.requests == 20 &&
               !each.client->is_misuse && each.client->command[1] == "other";
    }));
}

TEST_CASE("choices confine the cells")
{
    const recipe c = read(head + "framings = ['none', 'length']\n" + misuse);
    choices chosen;
    chosen.points = {kill_point::idle};
    for (const auto& each : cells_of(c, chosen))
        CHECK(each.plan.at == kill_point::idle);
    chosen.methods = {kill_method::sigkill, kill_method::reset};
    chosen.requests = {{framing::length, 5}, {framing::chunked, 5}};
    chosen.families = {address_family::ipv6};
    chosen.after = after_action::reset;
    const auto cells = cells_of(c, chosen);
    REQUIRE(cells.size() == 1);
    CHECK((cells[0].plan.request == body{framing::length, 5}));
    CHECK(cells[0].plan.family == address_family::ipv6);
    CHECK(cells[0].plan.after == after_action::reset);
    chosen.schemes = {scheme::https};
    CHECK(cells_of(c, chosen).empty());
    CHECK(cells_of(read(head + "tls = true\nframings = ['length']\n"), chosen).size() == 1);
    chosen = {};
    chosen.points = {kill_point::response_body};
    chosen.methods = {kill_method::own};
    CHECK(cells_of(c, chosen, "kept").size() == 1);
    chosen.methods = {kill_method::sigkill};
    CHECK(cells_of(c, chosen, "kept").empty());
}

TEST_CASE("a misuse whose cell cannot be is no control, and refused")
{
    const recipe c = read(
        head + "[modes.right]\nabout = 'x'\n[modes.kept]\nabout = 'x'\nmisuse = true\n"
               "at = 'connect'\nby = 'peer_close'\n"
    );
    CHECK_THROWS_AS((void)cells_of(c, {}), usage_error);
}

TEST_SUITE_END();
