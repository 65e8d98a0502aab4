// Where recipes are found, and those that come with the program.
#include "daemon/recipe_shelf.hpp"

#include "daemon/errors.hpp"
#include "tests/unit/daemon/folder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include <sys/stat.h>

using namespace finwait;
using namespace finwait::daemon;

namespace {

std::string text_of(const std::string& name, const std::string& about)
{
    return "name = '" + name + "'\nabout = '" + about +
           "'\nkind = 'oneshot'\nrequires = ['x']\ninstall = 'apt install x'\n"
           "command = ['x', '{url}']\nkills = ['sigkill']\n";
}

std::string complaint(const recipe_shelf& shelf, std::string_view name)
{
    try {
        (void)shelf.load(name);
    } catch (const usage_error& error) {
        return error.what();
    }
    return {};
}

} // namespace

TEST_SUITE_BEGIN("daemon/recipe_shelf");

TEST_CASE("of two recipes of a name the later directory's counts")
{
    const sample::folder first;
    const sample::folder second;
    (void)first.file("a.toml", text_of("a", "first"));
    (void)first.file("b.toml", text_of("b", "first"));
    (void)first.file("README", "no recipe");
    (void)second.file("b.toml", text_of("b", "second"));
    (void)second.file("c.toml", text_of("c", "second"));
    const recipe_shelf shelf({first.path(), "/no/such/folder", second.path()});
    CHECK((shelf.names() == std::vector<std::string>{"a", "b", "c"}));
    CHECK(shelf.load("a").about == "first");
    CHECK(shelf.load("b").about == "second");
    CHECK(shelf.load("b").here == second.path());
}

TEST_CASE("what is not there is answered with the nearest that is")
{
    const sample::folder only;
    (void)only.file("requests.toml", text_of("requests", "x"));
    const recipe_shelf shelf({only.path()});
    CHECK(complaint(shelf, "request").find("did you mean \"requests\"?") != std::string::npos);
    CHECK(complaint(shelf, "baest").find("did you mean \"beast\"?") != std::string::npos);
    CHECK(complaint(shelf, "../requests").find("unknown subject") != std::string::npos);
    CHECK(complaint(recipe_shelf({}), "x").find("beast, all") != std::string::npos);
}

TEST_CASE("a file that is no recipe is refused by its path")
{
    const sample::folder only;
    const auto other = only.file("other.toml", text_of("x", "x"));
    const auto broken = only.file("broken.toml", "name\n");
    const auto large = only.file("large.toml", std::string(300 * 1024, '#'));
    const auto empty = only.file("empty.toml", "");
    std::filesystem::create_directory(only.path() + "/folder.toml");
    const recipe_shelf shelf({only.path()});
    CHECK(complaint(shelf, "other").starts_with(other + ": the name in it is \"x\""));
    CHECK(complaint(shelf, "broken").starts_with(broken + ":1:"));
    CHECK(complaint(shelf, "large").starts_with(large + ": a recipe has at most"));
    CHECK(complaint(shelf, "empty").starts_with(empty + ":1:1: name is missing"));
    CHECK(complaint(shelf, "folder").find("cannot be read") != std::string::npos);
}

TEST_CASE("what is no file is refused without waiting for anybody")
{
    const sample::folder only;
    REQUIRE(::mkfifo((only.path() + "/pipe.toml").c_str(), 0600) == 0);
    std::filesystem::create_symlink("/dev/zero", only.path() + "/endless.toml");
    const recipe_shelf shelf({only.path()});
    CHECK(complaint(shelf, "pipe").ends_with("pipe.toml: cannot be read: it is no regular file"));
    CHECK(complaint(shelf, "endless").ends_with("cannot be read: it is no regular file"));
}

TEST_CASE("the recipes of the source tree are recipes, each with one right use and a wrong one")
{
    const recipe_shelf shelf(recipe_directories());
    const auto names = shelf.names();
    for (const char* wanted :
         {"aiohttp",
          "curl",
          "http_client",
          "httpx",
          "node_fetch",
          "node_http",
          "pycurl",
          "requests",
          "urllib3",
          "wget"}) {
        CAPTURE(wanted);
        REQUIRE(std::find(names.begin(), names.end(), wanted) != names.end());
        const recipe each = shelf.load(wanted);
        CHECK_FALSE(each.install.empty());
        CHECK(std::any_of(each.modes.begin(), each.modes.end(), [](const recipe_mode& mode) {
            return mode.use == mode_use::misuse;
        }));
    }
}

TEST_SUITE_END();
