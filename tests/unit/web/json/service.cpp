// The daemon's own documents.
#include "web/json/service.hpp"

#include "tests/support/samples.hpp"

#include <doctest/doctest.h>

using namespace finwait;

namespace {

service_status rich_status()
{
    service_status s;
    s.status = health::fail;
    s.version = "0.1.0";
    s.started = samples::noon();
    s.last_audit = last_audit{"01KG9BZ4W37V8ZJ1QYXR5S2T6P", outcome::void_, samples::noon()};
    s.next_audit = samples::noon() + std::chrono::hours(1);
    s.open_findings = 7;
    s.findings = {.new_ones = 2, .still_there = 5, .gone = 1};
    s.audits = {
        {.name = "default",
         .last = s.last_audit,
         .running = "01KG9BZ4W37V8ZJ1QYXR5S2T6Q",
         .next = s.next_audit,
         .missed = 3},
        {.name = "nightly", .last = {}, .running = {}, .next = {}}};
    s.waiting = {.audits = 1, .probes = 3};
    s.index = 17;
    s.checks = {{"lab", {health::warn, "loopback"}}, {"sock_diag", {health::pass, ""}}};
    s.self = {1, 2, 3, 4};
    return s;
}

} // namespace

TEST_SUITE_BEGIN("web/json/service");

TEST_CASE("a status has the keys of the documentation, in its order")
{
    CHECK(
        json::dump(rich_status()) ==
        R"({"schema":"finwait.status/1","status":"fail","version":"0.1.0",)"
        R"("started":"2026-01-31T12:00:00.123456Z","last_audit":{)"
        R"("id":"01KG9BZ4W37V8ZJ1QYXR5S2T6P","outcome":"void","at":"2026-01-31T12:00:00.123456Z"},)"
        R"("next_audit":"2026-01-31T13:00:00.123456Z","open_findings":7,)"
        R"("findings":{"new":2,"still_there":5,"gone":1},)"
        R"("audits":[{"name":"default","last":{)"
        R"("id":"01KG9BZ4W37V8ZJ1QYXR5S2T6P","outcome":"void","at":"2026-01-31T12:00:00.123456Z"},)"
        R"("running":"01KG9BZ4W37V8ZJ1QYXR5S2T6Q","next":"2026-01-31T13:00:00.123456Z",)"
        R"("missed":3},)"
        R"({"name":"nightly","last":null,"running":null,"next":null,"missed":0}],)"
        R"("waiting":{"audits":1,"probes":3},"index":17,)"
        R"("checks":{"lab":{"status":"warn","detail":"loopback"},"sock_diag":{"status":"pass"}},)"
        R"("self":{"fds":1,"sockets":2,"rss_bytes":3,"workers":4}})"
    );
}

TEST_CASE("a status comes back as it was")
{
    service_status empty;
    empty.started = samples::noon();
    for (const auto& each : {rich_status(), empty}) {
        const auto back = json::parse_status(json::dump(each));
        REQUIRE(back);
        CHECK((*back == each));
    }
}

TEST_CASE("without its self a status is the same whatever self is")
{
    auto other = rich_status();
    other.self = {};
    const auto text = json::dump(other, json::self_part::without);
    CHECK(text == json::dump(rich_status(), json::self_part::without));
    CHECK(text.find("self") == std::string::npos);
}

TEST_CASE("a status of a newer daemon is read, one of another kind is not")
{
    auto text = json::dump(rich_status());
    text.insert(text.size() - 1, R"(,"mood":9)");
    CHECK(json::parse_status(text));
    for (const char* wrong :
         {"", "{}", R"({"schema":"finwait.status/2"})", R"({"schema":"finwait.status/1"})", "[]"})
        CHECK_FALSE(json::parse_status(wrong));
    const auto status = json::dump(rich_status());
    auto renamed = status;
    renamed.replace(renamed.find("\"fail\""), 6, "\"flop\"");
    const auto back = json::parse_status(renamed);
    REQUIRE_FALSE(back);
    CHECK(back.error().field == "status");
}

TEST_CASE("a page of audits is a list of what was rendered before")
{
    web::page page;
    CHECK(json::dump(page) == R"({"schema":"finwait.audits/1","audits":[],"next":null})");
    const auto one = std::make_shared<const std::string>(R"({"a":1})");
    page.items = {one, one, one};
    page.next = "x";
    CHECK(
        json::dump(page) ==
        R"({"schema":"finwait.audits/1","audits":[{"a":1},{"a":1},{"a":1}],"next":"x"})"
    );
}

TEST_CASE("a problem names its kind in three ways and the path only when it is known")
{
    const web::problem busy{web::problem_code::busy, "later \"\x80"};
    CHECK(
        json::dump(busy, "") ==
        R"({"type":"urn:finwait:problem:busy","title":"Too many connections",)"
        R"("status":503,"code":"busy","detail":"later \")"
        "\xEF\xBF\xBD"
        R"("})"
    );
    CHECK(
        json::dump(web::problem{web::problem_code::read_only_listener, "no"}, "/api") ==
        R"({"type":"urn:finwait:problem:read-only-listener",)"
        R"("title":"This listener only answers reading requests","status":405,)"
        R"("code":"read_only_listener","detail":"no","instance":"/api"})"
    );
}

TEST_SUITE_END();
