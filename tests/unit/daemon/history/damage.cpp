// A file that is no whole history: set aside, refused, never deleted.
#include "daemon/errors.hpp"
#include "daemon/history/reader.hpp"
#include "daemon/history/sqlite.hpp"
#include "tests/unit/daemon/history/fixture.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include <unistd.h>

using namespace finwait;
using namespace finwait::daemon;
using sample::text;

namespace {

std::string content(const std::filesystem::path& file)
{
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::optional<std::filesystem::path> set_aside_in(const sample::folder& folder)
{
    for (const auto& each : std::filesystem::directory_iterator(folder.path()))
        if (const auto name = each.path().filename().string();
            name.starts_with("history.db.damaged-") && !name.ends_with("-wal") &&
            !name.ends_with("-shm"))
            return each.path();
    return std::nullopt;
}

void overwrite(const std::string& file, std::size_t from, std::size_t bytes, char with = '\xa5')
{
    std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
    out.seekp(static_cast<std::streamoff>(from));
    out << std::string(bytes, with);
}

void fill(const history_settings& how, int audits)
{
    sample::opened past(how);
    for (int i = 0; i < audits; ++i)
        past.store(sample::named(
            "nightly", std::vector<report>(20, sample::cell(kill_point::idle, kill_method::close))
        ));
}

/// Of a table or an index.
std::size_t root_page(const std::string& file, const std::string& name)
{
    database in(file, database::access::read_only);
    return static_cast<std::size_t>(
        in.number("SELECT rootpage FROM sqlite_schema WHERE name = ?", name)
    );
}

void run_sql(const std::string& file, const char* sql)
{
    database(file, database::access::read_write).run(sql);
}

} // namespace

TEST_SUITE_BEGIN("daemon/history/damage");

TEST_CASE("a file that is no database is set aside as it is, and a new one is begun")
{
    const sample::folder folder;
    const auto file = folder.file("history.db", std::string(10'000, 'x'));
    sample::opened past(sample::in(folder));
    past.poll();
    CHECK(past.log.size() == 1);
    const auto aside = set_aside_in(folder);
    REQUIRE(aside);
    CHECK(content(*aside) == std::string(10'000, 'x'));
    CHECK(past->state().check.status == health::warn);
    CHECK(past->state().check.detail.find(aside->filename().string()) != std::string::npos);
    const auto done = sample::named("nightly", {sample::finding()});
    past.store(done);
    CHECK(past->audit(done.id));
    past.reopen();
    CHECK(past->audit(done.id));
    CHECK(past->state().check == health_check{}); // said once, the next start is another one
}

TEST_CASE("a file cut short is set aside")
{
    const sample::folder folder;
    fill(sample::in(folder), 5);
    const auto file = folder.path() + "/history.db";
    std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2 / 4096 * 4096);
    sample::opened past(sample::in(folder));
    past->check();
    past.settle();
    CHECK(set_aside_in(folder));
    CHECK(past->state().check.status == health::warn);
    const auto done = sample::named("nightly", {sample::finding()});
    past.store(done);
    CHECK(past.lost == 0);
    CHECK(past->audit(done.id));
}

TEST_CASE("damage in what is asked for at the start is found there")
{
    std::string name;
    for (const char* each :
         {"audits",
          "audits_latest",
          "audits_latest_by_name",
          "findings_by_state",
          "findings",
          "meta"})
        SUBCASE(each)
        {
            name = each;
        }
    const sample::folder folder;
    const auto how = sample::in(folder);
    sample::opened(how).store(sample::named("nightly", {sample::finding()}));
    const auto file = folder.path() + "/history.db";
    overwrite(file, (root_page(file, name) - 1) * 4096, 4096, '\xff');
    const auto before = content(file);
    sample::opened past(how);
    CHECK_FALSE(past->last());
    CHECK_FALSE(past->last("nightly"));
    past->check();
    past.settle();
    const auto aside = set_aside_in(folder);
    REQUIRE(aside);
    CHECK(std::filesystem::file_size(*aside) == before.size());
    CHECK(past->state().check.status == health::warn);
    const auto done = sample::named("nightly", {sample::finding()});
    past.store(done);
    CHECK(past.lost == 0);
    REQUIRE(past->last("nightly"));
    CHECK(past->last("nightly")->id == done.id);
    CHECK(past->open_findings() == 1);
}

TEST_CASE("damage that is found while it runs is no error of who asks")
{
    const sample::folder folder;
    const auto how = sample::in(folder);
    fill(how, 5);
    const auto file = folder.path() + "/history.db";
    const auto audits = root_page(file, "audits_latest_by_name");
    const auto meta = root_page(file, "meta");
    sample::opened past(how);
    past->keep(how); // brings the log into the file
    past.settle();
    SUBCASE("the last audit")
    {
        overwrite(file, (audits - 1) * 4096, 4096, '\xff');
        CHECK_FALSE(past->last("nightly"));
    }
    SUBCASE("when it was looked through last")
    {
        overwrite(file, (meta - 1) * 4096, 4096, '\xff');
        CHECK_NOTHROW(past->check());
    }
    past.settle();
    CHECK(set_aside_in(folder));
    CHECK(past->state().check.status == health::warn);
    CHECK_FALSE(past->last());
    CHECK_FALSE(past->last("nightly"));
    const auto done = sample::named("nightly", {sample::finding()});
    past.store(done);
    REQUIRE(past->last());
    CHECK(past->last()->id == done.id);
}

TEST_CASE("damage in the middle is found after an unclean stop, and what runs goes on")
{
    const sample::folder folder;
    const auto how = sample::in(folder);
    fill(how, 20);
    const auto said = sample::in_child([&]() -> std::string {
        const sample::opened past(how);
        ::_exit(0); // without a destructor
    });
    CHECK(said.empty());
    const auto file = folder.path() + "/history.db";
    const auto size = std::filesystem::file_size(file);
    REQUIRE(size > 100 * 4096);
    overwrite(file, size / 4096 / 2 * 4096, 20 * 4096);

    sample::opened past(how);
    const auto done = sample::named(
        "nightly", {sample::cell(kill_point::idle, kill_method::close), sample::finding()}
    );
    past.begin(done);
    past.add(done, done.reports[0]);
    past->check();
    past.settle();
    REQUIRE(set_aside_in(folder));
    CHECK(past->state().check.status == health::warn);
    past.add(done, done.reports[1]);
    past->end(done);
    past.settle();
    CHECK(past->report(done.reports[1].id));
    REQUIRE(past->audit(done.id));
    CHECK(text(past->audit(done.id)).find(done.reports[1].id) != std::string::npos);
    CHECK(past.lost == 0);
}

TEST_CASE("a clean file is looked through once, an unclean one at every start")
{
    const sample::folder folder;
    const auto how = sample::in(folder);
    const auto looked_at = [&] {
        {
            sample::opened past(how);
            past->check();
            past.settle();
        }
        return history_file(*how.path).read().noted("inspected");
    };
    const auto first = looked_at();
    REQUIRE(first);
    CHECK(looked_at() == first);
    const auto said = sample::in_child([&]() -> std::string {
        const sample::opened past(how);
        ::_exit(0); // without a destructor
    });
    CHECK(said.empty());
    const auto after_unclean = looked_at();
    REQUIRE(after_unclean);
    CHECK(*after_unclean > *first);
}

TEST_CASE("files of a newer version and of other programs are refused, and stay as they are")
{
    const sample::folder folder;
    const auto file = folder.path() + "/history.db";
    std::string word;
    SUBCASE("newer")
    {
        fill(sample::in(folder), 1);
        run_sql(file, "PRAGMA user_version = 1000");
        word = "newer";
    }
    SUBCASE("another program's")
    {
        run_sql(file, "CREATE TABLE bookmarks (url TEXT)");
        word = "another program";
    }
    const auto before = content(file);
    try {
        const sample::opened past(sample::in(folder));
        FAIL("was opened");
    } catch (const usage_error& error) {
        CHECK(std::string(error.what()).find(word) != std::string::npos);
    }
    CHECK(content(file) == before);
    CHECK_FALSE(set_aside_in(folder));
}

TEST_CASE("two daemons have two histories")
{
    const sample::folder folder;
    const sample::opened past(sample::in(folder));
    CHECK_THROWS_AS(sample::opened(sample::in(folder)), usage_error);
}

TEST_CASE("a place that cannot be is refused")
{
    const sample::folder folder;
    folder.file("plain", "");
    CHECK_THROWS_AS(sample::opened({.path = folder.path() + "/plain/history.db"}), usage_error);
    std::filesystem::create_directory(folder.path() + "/history.db");
    CHECK_THROWS_AS(sample::opened(sample::in(folder)), usage_error);
    CHECK_THROWS_AS(sample::opened({.path = "/proc/history.db"}), usage_error);
}

TEST_CASE("folders that are not there are made, for the owner alone")
{
    const sample::folder folder;
    const auto deep = folder.path() + "/state/finwait";
    const sample::opened past({.path = deep + "/history.db"});
    CHECK(
        (std::filesystem::status(deep).permissions() & std::filesystem::perms(077)) ==
        std::filesystem::perms::none
    );
}

TEST_SUITE_END();
