// What each route answers, and that there is no other.
#include "web/routes.hpp"

#include "tests/api/harness.hpp"
#include "tests/support/samples.hpp"
#include "web/json/service.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cstdlib>
#include <fstream>
#include <sstream>

using namespace finwait;
using namespace finwait::web;

namespace {

/// The router's own list, a line per operation.
std::string route_list()
{
    std::string list;
    for (const auto& each : operations()) {
        constexpr std::array names{"GET ", "POST ", "DELETE "};
        list += names[static_cast<std::size_t>(each.method)];
        list += each.pattern;
        char mark = '?';
        for (const auto parameter : parameters_of(each)) {
            list += mark + std::string(parameter);
            mark = '&';
        }
        list += each.whom == audience::unix_socket ? " (unix)\n" : "\n";
    }
    return list;
}

nlohmann::json parsed_body(const reply& answer)
{
    return nlohmann::json::parse(answer.body);
}

} // namespace

TEST_SUITE_BEGIN("api/routes");

TEST_CASE("the routes are those of the golden list")
{
    const char* path = std::getenv("FINWAIT_ROUTES_GOLDEN");
    REQUIRE(path);
    std::ifstream file(path);
    std::stringstream golden;
    golden << file.rdbuf();
    CHECK(route_list() == golden.str());
}

TEST_CASE("livez and readyz")
{
    running_server server;
    CHECK(ask(server.port(), get("/livez")).body == "ok\n");
    CHECK(ask(server.port(), get("/readyz")).body == "ok\n");
    CHECK(
        ask(server.port(), get("/readyz?verbose")).body ==
        "[+]lab ok: the host's loopback\n[+]sock_diag ok\nok\n"
    );
    server.inside([](fake_backend& b, auto&) { b.ready["sock_diag"] = {health::fail, "EPERM"}; });
    const auto failed = ask(server.port(), get("/readyz?verbose"));
    CHECK(failed.status == 503);
    CHECK(failed.field("content-type") == "text/plain; charset=utf-8");
    CHECK(failed.body == "[+]lab ok: the host's loopback\n[-]sock_diag failed: EPERM\nnot ready\n");
    CHECK(ask(server.port(), get("/readyz")).body == "not ready\n");
    CHECK(ask(server.port(), get("/livez")).status == 200);
}

TEST_CASE("the status has an ETag that self does not change and everything else does")
{
    running_server server;
    const auto first = ask(server.port(), get("/api/v1/status"));
    CHECK(first.status == 200);
    CHECK(first.field("content-type") == "application/json");
    const auto tag = first.field("etag");
    CHECK(tag.size() == 34);
    CHECK(tag.front() == '"');
    for (const auto& match :
         {tag, "W/" + tag, "\"x\", " + tag, std::string("*"), "\"a\" ,\t" + tag + " "}) {
        CAPTURE(match);
        const auto same =
            ask(server.port(), get("/api/v1/status", "If-None-Match: " + match + "\r\n"));
        CHECK(same.status == 304);
        CHECK(same.field("etag") == tag);
        CHECK(same.field("content-length").empty());
    }
    for (const auto& other :
         {std::string("\"x\""), tag.substr(1), std::string(), std::string(",,")}) {
        CAPTURE(other);
        CHECK(
            ask(server.port(), get("/api/v1/status", "If-None-Match: " + other + "\r\n")).status ==
            200
        );
    }
    server.inside([](fake_backend& b, auto&) {
        b.now.self.fds += 1;
        b.log.add("report", "", nullptr); // an event refreshes self
    });
    const auto moved = ask(server.port(), get("/api/v1/status"));
    CHECK(moved.field("etag") == tag);
    CHECK(moved.body != first.body);
    server.inside([](fake_backend& b, auto&) {
        b.now.open_findings += 1;
        b.log.status_changed();
    });
    const auto changed = get("/api/v1/status", "If-None-Match: " + tag + "\r\n");
    CHECK(ask(server.port(), changed).status == 200);
}

TEST_CASE("the status that goes out is the status that was asked for")
{
    running_server server;
    const auto text = ask(server.port(), get("/api/v1/status")).body;
    const auto back = json::parse_status(text);
    REQUIRE(back);
    auto wanted = fake_backend().now;
    wanted.index = fake_backend().log.status_index();
    CHECK((*back == wanted));
}

TEST_CASE("audits, reports and matrices are found by id")
{
    running_server server;
    const auto kept = fake_backend().kept;
    const auto body = [&](const std::string& path) {
        return ask(server.port(), get(path)).body;
    };
    CHECK(body("/api/v1/audits/latest") == json::dump(kept[0]));
    CHECK(body("/api/v1/audits/" + kept[1].id) == json::dump(kept[1]));
    CHECK(body("/api/v1/reports/" + kept[1].reports[0].id) == json::dump(kept[1].reports[0]));
    CHECK(body("/api/v1/matrix") == json::dump_matrix(kept[0]));
    CHECK(body("/api/v1/matrix?audit=latest") == json::dump_matrix(kept[0]));
    CHECK(body("/api/v1/matrix?audit=" + kept[1].id) == json::dump_matrix(kept[1]));
    const auto of_beast = nlohmann::json::parse(body("/api/v1/matrix?subject=beast"));
    CHECK(of_beast["subjects"] == nlohmann::json({"beast"}));
    CHECK(of_beast["cells"].size() == 1);
    CHECK(parsed_body(ask(server.port(), get("/api/v1/matrix?subject=nobody")))["cells"].empty());
    CHECK(body("/api/v1/reports/" + kept[1].reports[0].id + "/log").starts_with("report 01KG"));
    const auto diff = "/api/v1/audits/" + kept[0].id + "/diff?against=" + kept[1].id;
    CHECK(nlohmann::json::parse(body(diff))["schema"] == "finwait.diff/1");
    server.inside([](fake_backend& b, auto&) { b.kept.clear(); });
    for (const char* path : {"/api/v1/audits/latest", "/api/v1/matrix"})
        CHECK(ask(server.port(), get(path)).status == 404);
    CHECK(parsed_body(ask(server.port(), get("/api/v1/audits")))["audits"].empty());
}

TEST_CASE("what is asked for wrongly is refused with its code")
{
    struct row
    {
        std::string path;
        unsigned status;
        std::string code;
        std::string detail; ///< part of it
    };
    const std::string other = "01KG9BZ4W37V8ZJ1QYXR5S2T77";
    const row rows[] = {
        {"/", 404, "not_found", "/api/v1/status"},
        {"/api", 404, "not_found", ""},
        {"/api/v1", 404, "not_found", ""},
        {"/api/v1/status/", 404, "not_found", ""},
        {"/api/v2/status", 404, "not_found", ""},
        {"/API/v1/status", 404, "not_found", ""},
        {"/api/v1/audits/", 404, "not_found", ""},
        {"/api/v1/audits/" + other, 404, "not_found", "no audit"},
        {"/api/v1/audits/x", 404, "not_found", "no audit"},
        {"/api/v1/audits/" + other + "/x", 404, "not_found", ""},
        {"/api/v1/reports/" + other, 404, "not_found", "no report"},
        {"/api/v1/reports/latest", 404, "not_found", "no report"},
        {"/api/v1/reports/" + other + "/log", 404, "not_found", "no report"},
        {"/api/v1/probes/" + other, 404, "not_found", "no probe"},
        {"/api/v1/audits/" + other + "/diff?against=" + other, 404, "not_found", ""},
        {"/api/v1/audits/" + other + "/diff", 400, "bad_request", "against"},
        {"/api/v1/audits/" + other + "/diff?against=x", 400, "bad_request", "against"},
        {"/api/v1/schemas/nothing.json", 404, "not_found", "openapi.json"},
        {"/api/v1/schemas/.json", 404, "not_found", ""},
        {"/api/v1/schemas/status", 404, "not_found", ""},
        {"/api/v1/probes", 405, "method_not_allowed", "OPTIONS"},
        {"/api/v1/config/reload", 405, "method_not_allowed", "OPTIONS"},
        {"/api/v1/config", 403, "unix_socket_only", "Unix socket"},
        {"/page/x", 404, "not_found", ""},
        {"/debug/pprof", 404, "not_found", ""},
        {"/api/v1/sockets", 404, "not_found", ""},
        {"/api/v1/matrix?framing=lenght", 400, "bad_request", "did you mean \"length\"?"},
        {"/api/v1/reports?at=conect", 400, "bad_request", "did you mean \"connect\"?"},
        {"/api/v1/reports?by=rest", 400, "bad_request", "did you mean \"reset\"?"},
        {"/api/v1/reports?verdict=x", 400, "bad_request", "one of"},
        {"/api/v1/reports?as_expected=1", 400, "bad_request", "true or false"},
        {"/api/v1/reports?audit=latest", 400, "bad_request", "id"},
        {"/api/v1/reports?subject=x%27%20OR%201=1--", 400, "bad_request", "name"},
        {"/api/v1/reports?target=%25", 400, "bad_request", "name"},
        {"/api/v1/audits?name=%3B", 400, "bad_request", "name"},
        {"/api/v1/findings?state=old", 400, "bad_request", "one of"},
        {"/api/v1/events?audit=x", 400, "bad_request", "id"},
        {"/api/v1/status?index=x", 400, "bad_request", "whole number"},
        {"/api/v1/status?wait=3", 400, "bad_request", "30s"},
        {"/api/v1/status?wait=-1s", 400, "bad_request", "30s"},
        {"/api/v1/status?wait_for=good", 400, "bad_request", "one of"},
        {"/api/v1/status?timeout=3s", 400, "bad_request", "wait_for"},
        {"/api/v1/status?index=1&wait_for=pass", 400, "bad_request", "not both"},
        {"/api/v1/matrix?audit=" + other, 404, "not_found", "no audit"},
        {"/api/v1/matrix?audit=x", 400, "bad_request", "latest"},
        {"/api/v1/matrix?audit=", 400, "bad_request", "latest"},
        {"/api/v1/status?x", 400, "unknown_parameter", "one of"},
        {"/livez?verbose", 400, "unknown_parameter", "none"},
        {"/readyz?Verbose", 400, "unknown_parameter", "did you mean \"verbose\"?"},
        {"/api/v1/audits?limt=3", 400, "unknown_parameter", "did you mean \"limit\"?"},
        {"/api/v1/audits?%6Cimit=0", 400, "bad_request", "1 to 100"},
        {"/api/v1/audits?=", 400, "unknown_parameter", ""},
        {"/api/v1/audits?limit=0", 400, "bad_request", "1 to 100"},
        {"/api/v1/audits?limit=101", 400, "bad_request", "1 to 100"},
        {"/api/v1/audits?limit=-1", 400, "bad_request", "1 to 100"},
        {"/api/v1/audits?limit=", 400, "bad_request", "1 to 100"},
        {"/api/v1/audits?limit=1x", 400, "bad_request", "1 to 100"},
        {"/api/v1/audits?limit=99999999999999999999", 400, "bad_request", "1 to 100"},
        {"/api/v1/audits?limit=1&limit=1", 400, "bad_request", "twice"},
        {"/api/v1/audits?cursor=x", 400, "bad_request", "cursor"},
        {"/api/v1/audits?outcome=clan", 400, "bad_request", "did you mean \"clean\"?"},
        {"/api/v1/audits?outcome=%1b", 400, "bad_request", "target"},
        {"/api/v1/audits/00000000000000000000000000", 500, "internal", "log"},
    };
    running_server server;
    for (const auto& each : rows) {
        CAPTURE(each.path);
        const auto answer = ask(server.port(), get(each.path));
        CHECK(answer.status == each.status);
        CHECK(answer.field("content-type") == "application/problem+json");
        const auto body = parsed_body(answer);
        CHECK(body["code"] == each.code);
        CHECK(body["status"] == each.status);
        CHECK(body["detail"].get<std::string>().find(each.detail) != std::string::npos);
    }
    REQUIRE(server.logged().size() == 1);
    CHECK(server.logged().front().find("the fake's own accident") != std::string::npos);
}

TEST_CASE("HEAD has the fields of GET and no body, on every route and for every problem")
{
    running_server server;
    raw_client client(server.port());
    for (const char* path :
         {"/livez",
          "/readyz",
          "/api/v1/status",
          "/api/v1/audits",
          "/api/v1/audits/latest",
          "/api/v1/matrix",
          "/api/v1/reports",
          "/api/v1/findings",
          "/api/v1/subjects",
          "/api/v1/targets",
          "/api/v1/openapi.json",
          "/api/v1/schemas/status.json",
          "/nowhere",
          "/api/v1/status?x"}) {
        CAPTURE(path);
        const auto with_body = ask(server.port(), get(path));
        REQUIRE(client.send("HEAD" + get(path).substr(3)));
        const auto without = client.receive(raw_client::asked::head);
        REQUIRE(without);
        CHECK(without->status == with_body.status);
        CHECK(without->field("content-length") == with_body.field("content-length"));
        CHECK(without->field("content-type") == with_body.field("content-type"));
        CHECK(without->field("etag") == with_body.field("etag"));
    }
}

TEST_CASE("OPTIONS names the methods that this listener takes, and no other site")
{
    running_server server;
    const auto options = [](const std::string& path) {
        return "OPTIONS " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    };
    const auto answer = ask(server.port(), options("/api/v1/audits"));
    CHECK(answer.status == 204);
    CHECK(answer.field("allow") == "GET, HEAD, OPTIONS");
    CHECK(answer.field("content-length").empty());
    CHECK(answer.field("content-type").empty());
    const auto allow = [&](const std::string& path) {
        return ask(server.path(), options(path)).field("allow");
    };
    CHECK(allow("/api/v1/audits") == "GET, HEAD, POST, OPTIONS");
    CHECK(allow("/api/v1/audits/x") == "GET, HEAD, DELETE, OPTIONS");
    CHECK(allow("/api/v1/probes") == "POST, OPTIONS");
    CHECK(allow("/livez") == "GET, HEAD, OPTIONS");
    CHECK(ask(server.path(), options("/nowhere")).status == 404);
}

TEST_CASE("a write is told where it went wrong")
{
    running_server server;
    const auto answer =
        ask(server.port(),
            "POST /api/v1/audits HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}");
    CHECK(answer.status == 405);
    CHECK(answer.field("allow") == "GET, HEAD, OPTIONS");
    CHECK(parsed_body(answer)["code"] == "read_only_listener");
    CHECK(parsed_body(answer)["type"] == "urn:finwait:problem:read-only-listener");
    const auto detail = parsed_body(answer)["detail"].get<std::string>();
    CHECK(detail.find("Unix socket " + server.path().string()) != std::string::npos);
}

TEST_SUITE_END();
