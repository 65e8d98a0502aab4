// What the commands read of a file, beside a daemon or without one, and how they show it.
#include "daemon/errors.hpp"
#include "daemon/history_source.hpp"
#include "daemon/history_view.hpp"
#include "tests/unit/daemon/history/fixture.hpp"
#include "web/json/history.hpp"

#include <fmt/format.h>

using namespace finwait;
using namespace finwait::daemon;
using sample::text;
using sample::texts;

namespace {

history_words at(const sample::folder& folder)
{
    return {.daemon = {}, .file = folder.path() + "/history.db"};
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
