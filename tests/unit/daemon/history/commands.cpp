// What the commands read of a file, beside a daemon or without one, and how they show it.
#include "daemon/errors.hpp"
#include "daemon/history_source.hpp"
#include "daemon/history_view.hpp"
#include "tests/unit/daemon/history/fixture.hpp"
#include "web/json/history.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

using namespace finwait;
using namespace finwait::daemon;
using sample::text;
using sample::texts;

namespace {

history_words at(const sample::folder& folder)
{
    return {.daemon = {}, .file = folder.path() + "/history.db"};
}

// Every report there is.
std::size_t all_of_it(history_source& from)
{
    std::size_t count = 0;
    web::report_query wanted;
    wanted.limit = 100;
    do {
        const auto page = from.reports(wanted);
        count += page.items.size();
        wanted.older_than = page.next;
    } while (wanted.older_than);
    return count;
}

} // namespace

TEST_SUITE_BEGIN("daemon/history/commands");

TEST_CASE("a file is read as the daemon would answer, while it is written and after")
{
    const sample::folder folder;
    sample::opened past(sample::in(folder));
    const audit first = sample::named("nightly", {sample::finding()});
    const audit second =
        sample::named("nightly", {sample::cell(kill_point::idle, kill_method::reset)});
    past.store(first);
    const auto check = [&] {
        const auto from = history_source::open(at(folder));
        CHECK(text(from->audit(second.id)) == json::dump(second));
        CHECK(text(from->audit("latest")) == json::dump(second));
        CHECK(text(from->report(first.reports[0].id)) == json::dump(first.reports[0]));
        CHECK(from->reports({}).items.size() == 2);
        CHECK(from->findings({}).items.size() == 1);
        CHECK(from->diff(second.id, first.id));
        CHECK_FALSE(from->report(second.id));
        CHECK(json::id_of(text(from->audits({}).items.at(0))) == second.id);
    };
    past.store(second);
    check();
    past.close();
    check();
}

TEST_CASE("the latest is the one that ended last, also after the clock was set back")
{
    const sample::folder folder;
    sample::opened past(sample::in(folder));
    const auto from = [&] {
        past.settle();
        return history_source::open(at(folder));
    };
    CHECK(id_of_audit(*from(), "latest") == "latest");
    const audit ahead = sample::shifted(sample::named("nightly", {}), std::chrono::hours(24));
    past.store(ahead);
    const audit now = sample::named("nightly", {});
    past.store(now);
    CHECK(json::id_of(text(from()->audits({}).items.at(0))) == ahead.id);
    CHECK(id_of_audit(*from(), "latest") == now.id);
    CHECK(id_of_audit(*from(), ahead.id) == ahead.id);
}

TEST_CASE("what is no history is refused")
{
    const sample::folder folder;
    CHECK_THROWS_AS((void)history_source::open(at(folder)), usage_error);
    folder.file("history.db", "no database at all, and long enough to look like one");
    CHECK_THROWS_AS((void)history_source::open(at(folder)), usage_error);
    auto both = at(folder);
    both.daemon.url = "http://127.0.0.1:9793";
    CHECK_THROWS_AS((void)history_source::open(both), usage_error);
}

TEST_CASE("a damaged file is named, and where to read what can be done")
{
    const sample::folder folder;
    const auto file = folder.path() + "/history.db";
    {
        sample::opened past(sample::in(folder));
        past.store(sample::named("nightly", std::vector<report>(200, sample::finding())));
    }
    const auto size = std::filesystem::file_size(file);
    REQUIRE(size > 50 * 4096);
    std::size_t from = 0;
    SUBCASE("found when it is opened")
    {
        from = 2 * 4096;
    }
    SUBCASE("found later")
    {
        from = size / 4096 / 2 * 4096;
    }
    std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
    out.seekp(static_cast<std::streamoff>(from));
    out << std::string(size - from, '\xa5');
    out.close();
    std::string said;
    try {
        (void)all_of_it(*history_source::open(at(folder)));
    } catch (const usage_error& error) {
        said = error.what();
    }
    CAPTURE(said);
    CHECK(said.find(file + " is damaged") != std::string::npos);
    CHECK(said.find("finwait(1), FILES") != std::string::npos);
}

TEST_CASE("the reports that an audit's document left out are fetched, in their order")
{
    const sample::folder folder;
    sample::opened past(sample::in(folder));
    std::vector<report> reports(90, sample::cell(kill_point::idle, kill_method::close));
    for (auto& each : reports) {
        each.process = process_record{};
        each.process->output = std::string(100'000, 'x');
    }
    const audit done = sample::named("nightly", reports);
    past.store(done);
    const auto from = history_source::open(at(folder));
    const auto part = text(from->audit(done.id));
    CHECK(json::parse_audit(part)->reports_left_out > 0);
    CHECK(with_all_reports(*from, part) == json::dump(done));
    const audit small =
        sample::named("nightly", {sample::cell(kill_point::idle, kill_method::reset)});
    past.store(small);
    CHECK(with_all_reports(*from, json::dump(small)) == json::dump(small));
    CHECK(with_all_reports(*from, "no audit") == "no audit");
}

TEST_CASE("reports that are gone stay left out")
{
    const sample::folder folder;
    sample::opened past(sample::in(folder));
    audit done = sample::named("nightly", {sample::finding()});
    past.store(done);
    done.reports_left_out = 4;
    const auto from = history_source::open(at(folder));
    const auto read = json::parse_audit(with_all_reports(*from, json::dump(done)));
    REQUIRE(read);
    CHECK(read->reports.size() == 1);
    CHECK(read->reports_left_out == 4);
}

TEST_CASE("a page is taken apart, its documents as they were")
{
    auto odd = sample::finding();
    odd.id = sample::new_id();
    odd.warnings.push_back("a \"quoted\" \xF0\x9F\x98\x80 \\ \x01 text");
    const auto report = json::dump(odd);
    const auto page = fmt::format(
        R"({{"schema":"finwait.reports/1","reports":[{},{}],"next":"01K","more":1}})",
        report,
        report
    );
    const auto read = json::parse_page("reports", page);
    REQUIRE(read);
    CHECK(read->items == std::vector{report, report});
    CHECK(read->next == "01K");
    CHECK_FALSE(json::parse_page("audits", page));
    CHECK_FALSE(json::parse_page("reports", R"({"schema":"finwait.reports/1","next":null})"));
    CHECK_FALSE(json::parse_page("reports", "[]"));
}

TEST_CASE("a list of reports marks what is not as expected, and hides nothing of others' text")
{
    auto found = sample::finding();
    found.id = "01K00000000000000000000AAA";
    found.plan.subject = "evil\x1b[2J";
    auto read = json::parse_report_summary(json::dump(found));
    REQUIRE(read);
    const auto shown = show(std::vector{*read}, table_style{});
    CHECK(shown.starts_with("! 1970-01-01 00:00:00"));
    CHECK(shown.find("▲ leaked") != std::string::npos);
    CHECK(shown.find("request_body") != std::string::npos);
    CHECK(shown.find(found.id) != std::string::npos);
    CHECK(shown.find('\x1b') == std::string::npos);
    read->as_expected = true;
    CHECK(show(std::vector{*read}, table_style{}).starts_with("  "));
    CHECK(show(std::vector<json::report_summary>(), table_style{}) == "no reports\n");
}

TEST_CASE("a difference is shown section by section")
{
    json::diff_summary what{.after = "B", .before = "A"};
    what.new_ones.push_back(
        {.cell =
             {.at = "idle",
              .by = "close",
              .subject = "beast",
              .target = "origin",
              .family = "ipv4",
              .tls = true,
              .response_framing = "length",
              .signal_to = "leader",
              .after = "close"},
         .before = "",
         .after = "leaked"}
    );
    what.unchanged = 7;
    const auto shown = show(what, table_style{});
    CHECK(shown.starts_with("A → B\n"));
    CHECK(shown.find("new findings (1)") != std::string::npos);
    CHECK(shown.find("https\n    not run → leaked") != std::string::npos);
    CHECK(shown.find("fixed (") == std::string::npos);
    CHECK(shown.find("7 as before") != std::string::npos);
}

TEST_SUITE_END();
