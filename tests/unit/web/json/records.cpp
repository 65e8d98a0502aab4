// Documents of the daemon's own, tables of them, and pointers into bodies.
#include "web/json/records.hpp"

#include "web/json/text_table.hpp"

#include <doctest/doctest.h>

using namespace finwait;

TEST_SUITE_BEGIN("web/json/records");

TEST_CASE("a place of a parse error becomes a pointer")
{
    CHECK(json::pointer_of("") == "");
    CHECK(json::pointer_of("at") == "/at");
    CHECK(json::pointer_of("at[2]") == "/at/2");
    CHECK(json::pointer_of("request.body_bytes") == "/request/body_bytes");
    CHECK(json::pointer_of("a/b~c") == "/a~1b~0c");
    CHECK(json::pointer_of("[0]") == "/0");
}

TEST_CASE("a probe points to its report once there is one")
{
    web::probe_record what;
    what.id = "01KG9BZ4W37V8ZJ1QYXR5S2T6P";
    const auto has_report = [&] {
        return json::dump(what).find("/api/v1/reports/" + what.id) != std::string::npos;
    };
    for (const auto state :
         {web::run_state::queued, web::run_state::running, web::run_state::cancelled}) {
        what.state = state;
        CHECK_FALSE(has_report());
    }
    what.state = web::run_state::done;
    CHECK(has_report());
    what.why = "the worker ended";
    CHECK_FALSE(has_report());
    CHECK(json::dump(what).find("\"why\":\"the worker ended\"") != std::string::npos);
}

TEST_CASE("a page is a list of what was rendered before")
{
    web::page page;
    CHECK(
        json::dump_page("reports", page) ==
        R"({"schema":"finwait.reports/1","reports":[],"next":null})"
    );
    const auto one = std::make_shared<const std::string>(R"({"a":1})");
    page.items = {one, one};
    page.next = "x";
    CHECK(
        json::dump_page("reports", page) ==
        R"({"schema":"finwait.reports/1","reports":[{"a":1},{"a":1}],"next":"x"})"
    );
}

TEST_CASE("a table shows what there is and nothing that commands a terminal")
{
    const std::array columns{
        json::column{"A", "/a"}, json::column{"LONGER", "/b/c"}, json::column{"D", "/d"}};
    const auto doc = [](const char* text) {
        return std::make_shared<const std::string>(text);
    };
    const std::vector<web::document> items{
        doc(R"({"a":"x","b":{"c":12},"d":true})"),
        doc(R"({"a":"\u001b[2J\u202e","b":{"c":[1,2]},"d":null})"),
        doc(R"({"a":"","b":7})"),
        doc("no JSON")};
    CHECK(
        json::text_table(items, columns) == "A              LONGER  D\n"
                                            "x              12      yes\n"
                                            "\\x1b[2J\\u202e  2       -\n"
                                            "-              -       -\n"
                                            "-              -       -\n"
    );
    const auto long_text = std::string(R"({"a":")") + std::string(79, 'x') + "\xC3\xA9yy\"}";
    const std::vector<web::document> one{std::make_shared<const std::string>(long_text)};
    CHECK(
        json::text_table(one, std::span(columns).first(1)) == "A\n" + std::string(79, 'x') + "…\n"
    );
    CHECK(json::text_table("[]", "list", std::span(columns).first(1)) == "A\n");
}

TEST_SUITE_END();
