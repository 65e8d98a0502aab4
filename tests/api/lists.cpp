// Lists: pages, filters, tables for people; the metrics; the schemas and what describes the API.
#include "tests/api/harness.hpp"
#include "web/routes.hpp"
#include "web/schemas.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <dirent.h>

using namespace finwait;
using namespace finwait::web;

namespace {

nlohmann::json parsed_body(const reply& answer)
{
    return nlohmann::json::parse(answer.body);
}

reply as_text(running_server& server, const std::string& path, const char* accept = "text/plain")
{
    return ask(server.port(), get(path, "Accept: " + std::string(accept) + "\r\n"));
}

std::size_t open_descriptors()
{
    std::size_t count = 0;
    DIR* folder = opendir("/proc/self/fd");
    REQUIRE(folder);
    while (readdir(folder))
        ++count;
    closedir(folder);
    return count;
}

} // namespace

TEST_SUITE_BEGIN("api/lists");

TEST_CASE("audits are listed newest first, by pages, by outcome, by name")
{
    running_server server;
    const auto kept = fake_backend().kept;
    const auto all = parsed_body(ask(server.port(), get("/api/v1/audits")));
    REQUIRE(all["audits"].size() == 2);
    CHECK(all["audits"][0]["id"] == kept[0].id);
    CHECK(all["audits"][0].contains("reports") == false);
    CHECK(all["next"].is_null());

    const auto first = ask(server.port(), get("/api/v1/audits?limit=1"));
    CHECK(parsed_body(first)["next"] == kept[0].id);
    const auto next = "/api/v1/audits?limit=1&cursor=" + kept[0].id;
    CHECK(first.field("link") == "<" + next + ">; rel=\"next\"");
    const auto second = ask(server.port(), get(next));
    REQUIRE(parsed_body(second)["audits"].size() == 1);
    CHECK(parsed_body(second)["audits"][0]["id"] == kept[1].id);
    CHECK(second.field("link").empty());

    const auto clean = parsed_body(ask(server.port(), get("/api/v1/audits?outcome=clean")));
    REQUIRE(clean["audits"].size() == 1);
    CHECK(clean["audits"][0]["id"] == kept[1].id);
    const auto named = parsed_body(ask(server.port(), get("/api/v1/audits?name=nightly")));
    REQUIRE(named["audits"].size() == 1);
    CHECK(named["audits"][0]["name"] == "nightly");
}

TEST_CASE("reports are filtered by what the query says, and the next page keeps it")
{
    running_server server;
    const auto answer =
        ask(server.port(),
            get("/api/v1/reports?limit=1&at=idle&by=reset&verdict=leaked&as_expected=false"
                "&subject=requests%3Apool&target=origin&audit=01KG9BZ4W37V8ZJ1QYXR5S2T6P"));
    CHECK(parsed_body(answer)["schema"] == "finwait.reports/1");
    CHECK(parsed_body(answer)["reports"].size() == 1);
    CHECK(
        answer.field("link") ==
        "</api/v1/reports?limit=1&at=idle&by=reset&verdict=leaked&as_expected=false"
        "&subject=requests%3Apool&target=origin&audit=01KG9BZ4W37V8ZJ1QYXR5S2T6P"
        "&cursor=01KG9BZ4W37V8ZJ1QYXR5S2T6M>; rel=\"next\""
    );
    server.inside([](fake_backend& b, auto&) {
        REQUIRE(b.report_queries.size() == 1);
        const auto& q = b.report_queries.front();
        CHECK(q.limit == 1);
        CHECK(q.at == kill_point::idle);
        CHECK(q.by == kill_method::reset);
        CHECK(q.verdict == verdict::leaked);
        CHECK(q.as_expected == false);
        CHECK(q.subject == "requests:pool");
        CHECK(q.target == "origin");
        CHECK(q.audit == "01KG9BZ4W37V8ZJ1QYXR5S2T6P");
    });
}

TEST_CASE("findings tell their life")
{
    running_server server;
    const auto all = parsed_body(ask(server.port(), get("/api/v1/findings")));
    CHECK(all["schema"] == "finwait.findings/1");
    REQUIRE(all["findings"].size() == 1);
    CHECK(all["findings"][0]["state"] == "still_there");
    CHECK(parsed_body(ask(server.port(), get("/api/v1/findings?state=new")))["findings"].empty());
}

TEST_CASE("lists are tables for whoever prefers text, and then commands of a terminal are text")
{
    running_server server;
    const auto audits = as_text(server, "/api/v1/audits?limit=1");
    CHECK(audits.status == 200);
    CHECK(audits.field("content-type") == "text/plain; charset=utf-8");
    CHECK(audits.field("vary") == "Accept");
    CHECK(audits.field("link").find("cursor=") != std::string::npos);
    CHECK(audits.body.starts_with("ID                          NAME"));
    CHECK(audits.body.find("01KG9BZ4W37V8ZJ1QYXR5S2T6P  -  ") != std::string::npos);
    CHECK(audits.body.find("  void  ") != std::string::npos);
    const auto subjects = as_text(server, "/api/v1/subjects").body;
    CHECK(subjects.find('\x1b') == std::string::npos);
    CHECK(subjects.find('\a') == std::string::npos);
    CHECK(subjects.find("\\x1b]0;evil\\x07\\u202e") != std::string::npos);
    for (const char* path :
         {"/api/v1/reports", "/api/v1/findings", "/api/v1/targets", "/api/v1/matrix"}) {
        CAPTURE(path);
        const auto table = as_text(server, path);
        CHECK(table.field("content-type") == "text/plain; charset=utf-8");
        CHECK(std::count(table.body.begin(), table.body.end(), '\n') >= 2);
    }
    for (const auto& [accept, type] :
         {std::pair("*/*", "application/json"),
          std::pair("text/html, */*;q=0.8", "application/json"),
          std::pair("application/json, text/plain", "application/json"),
          std::pair("application/json;q=0.5, text/plain", "text/plain; charset=utf-8"),
          std::pair("text/*", "text/plain; charset=utf-8"),
          std::pair("TEXT/PLAIN;q=0.1, application/json;q=0", "text/plain; charset=utf-8"),
          std::pair("text/plain;q=0", "application/json"),
          std::pair("nonsense;;,,=", "application/json")})
        CHECK(as_text(server, "/api/v1/audits", accept).field("content-type") == type);
}

TEST_CASE("the metrics are those of the backend and the API's own, in the format asked for")
{
    running_server server;
    (void)ask(server.port(), get("/livez"));
    (void)ask(server.port(), get("/nowhere"));
    (void)ask(server.port(), "GET / HTTP/1.1\r\n\r\n");
    const auto text = ask(server.port(), get("/metrics"));
    CHECK(text.field("content-type") == "text/plain; version=0.0.4; charset=utf-8");
    for (const char* line :
         {"# TYPE finwait_build_info gauge\nfinwait_build_info{version=\"0.1.0\"} 1\n",
          "finwait_probe_release_seconds_bucket{kill_method=\"close\",le=\"0.001\"} 1\n",
          "finwait_probe_release_seconds_bucket{kill_method=\"close\",le=\"+Inf\"} 3\n",
          "finwait_probe_release_seconds_sum{kill_method=\"close\"} 0.75\n",
          "finwait_host_sockets{state=\"TIME_WAIT\"} 0\n",
          "finwait_host_sockets{state=\"a\\\"b\\\\c\\nd\"} 1.5\n",
          "# TYPE finwait_api_requests_total counter\n",
          "finwait_api_requests_total{route=\"/livez\",code=\"200\"} 1\n",
          "finwait_api_requests_total{route=\"none\",code=\"404\"} 1\n",
          "finwait_api_rejected_total{reason=\"bad_request\"} 1\n",
          "finwait_api_rejected_total{reason=\"host_not_allowed\"} 0\n"})
        CHECK_MESSAGE(text.body.find(line) != std::string::npos, line);
    CHECK(text.body.find("# EOF") == std::string::npos);
    const auto prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,"
                            "text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    const auto open = as_text(server, "/metrics", prometheus);
    CHECK(
        open.field("content-type") == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    CHECK(open.body.find("# TYPE finwait_api_requests counter\n") != std::string::npos);
    CHECK(open.body.ends_with("# EOF\n"));
}

TEST_CASE("no label ever holds anything of a request")
{
    running_server server;
    for (int i = 0; i < 100; ++i)
        (void
        )ask(server.port(), get("/api/v1/audits/x" + std::to_string(i) + "?y" + std::to_string(i)));
    const auto text = ask(server.port(), get("/metrics")).body;
    CHECK(text.find("{route=\"/api/v1/audits/{id}\",code=\"400\"}") == std::string::npos);
    CHECK(text.find("{route=\"none\",code=\"400\"} 100") != std::string::npos);
    CHECK(text.find("x1") == std::string::npos);
}

TEST_CASE("every schema is served as it stands, and the description names every operation")
{
    running_server server;
    CHECK(schemas().size() > 10);
    for (const auto& each : schemas()) {
        const auto answer =
            ask(server.port(), get("/api/v1/schemas/" + std::string(each.name) + ".json"));
        CHECK(answer.body == each.text);
        CHECK(answer.field("content-type") == "application/schema+json");
    }
    const auto api = parsed_body(ask(server.port(), get("/api/v1/openapi.json")));
    CHECK(api["openapi"] == "3.1.0");
    std::size_t described = 0;
    for (const auto& [path, methods] : api["paths"].items())
        described += methods.size();
    CHECK(described == operations().size());
    constexpr std::array names{"get", "post", "delete"};
    for (const auto& each : operations()) {
        const auto& entry =
            api["paths"][std::string(each.pattern)][names[static_cast<std::size_t>(each.method)]];
        REQUIRE(entry.is_object());
        std::vector<std::string> keys;
        for (const auto& one : entry.value("parameters", nlohmann::json::array()))
            if (one["in"] == "query")
                keys.push_back(one["name"]);
        const auto known = parameters_of(each);
        CHECK(keys == std::vector<std::string>(known.begin(), known.end()));
        CHECK(entry["responses"].contains(std::to_string(each.success)));
        if (!each.schema.empty())
            CHECK(api["components"]["schemas"].contains(std::string(each.schema)));
    }
}

TEST_CASE("ten thousand requests leave no descriptor and no connection")
{
    running_server server;
    (void)ask(server.port(), get("/livez"));
    REQUIRE(server.wait_for_connections(0));
    const auto before = open_descriptors();
    for (int i = 0; i < 100; ++i) {
        raw_client client(server.port());
        std::string all;
        for (int j = 0; j < 100; ++j)
            all += get(j % 2 == 0 ? "/api/v1/status" : "/nowhere");
        REQUIRE(client.send(all));
        for (int j = 0; j < 100; ++j)
            REQUIRE(client.receive());
    }
    CHECK(server.wait_for_connections(0));
    CHECK(open_descriptors() == before);
}

TEST_SUITE_END();
