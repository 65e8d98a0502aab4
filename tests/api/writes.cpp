// What changes something: who may, with what body, and what it says. S2, S3, S5, S9 and S13 of the
// API's security rules.
#include "tests/api/harness.hpp"
#include "web/routes.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

using namespace finwait;
using namespace finwait::web;
using namespace std::chrono_literals;

namespace {

constexpr auto audits = "/api/v1/audits";
constexpr auto probes = "/api/v1/probes";

nlohmann::json parsed_body(const reply& answer)
{
    return nlohmann::json::parse(answer.body);
}

/// A pattern with something in its braces.
std::string path_of(const operation& what)
{
    std::string path(what.pattern);
    if (const auto open = path.find('{'); open != std::string::npos)
        path.replace(open, path.find('}') - open + 1, "01KG9BZ4W37V8ZJ1QYXR5S2T6P");
    return path;
}

std::string id_of(const reply& answer)
{
    const auto place = answer.field("location");
    return place.substr(place.rfind('/') + 1);
}

const std::string token = "correct horse battery staple 0123456789";

std::function<void(server_options&)> with_token()
{
    return [](server_options& o) {
        o.token = token;
    };
}

} // namespace

TEST_SUITE_BEGIN("api/writes");

TEST_CASE("over TCP every operation that writes is refused, on every path")
{
    running_server server;
    for (const auto& each : operations())
        for (const char* name : {"POST", "DELETE", "PUT", "PATCH"}) {
            CAPTURE(each.pattern);
            CAPTURE(name);
            const auto answer =
                ask(server.port(),
                    name + (" " + path_of(each)) +
                        " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                        "Content-Length: 0\r\n\r\n");
            CHECK(answer.status == 405);
            CHECK(answer.field("allow") == "GET, HEAD, OPTIONS");
            CHECK(parsed_body(answer)["code"] == "read_only_listener");
        }
    server.inside([](fake_backend& b, auto&) { CHECK(b.askers.empty()); });
}

TEST_CASE("on the Unix socket each path knows its methods and says them")
{
    running_server server;
    for (const auto& each : operations())
        for (const char* name : {"PUT", "PATCH"}) {
            const auto answer =
                ask(server.path(),
                    name + (" " + path_of(each)) + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
            CHECK(answer.status == 405);
            CHECK(parsed_body(answer)["code"] == "method_not_allowed");
            CHECK(answer.field("allow").ends_with("OPTIONS"));
        }
    CHECK(ask(server.path(), delete_(audits)).field("allow") == "GET, HEAD, POST, OPTIONS");
    CHECK(ask(server.path(), post("/livez", "{}")).field("allow") == "GET, HEAD, OPTIONS");
}

TEST_CASE("an audit is started, shown with its progress, joined, cancelled")
{
    running_server server;
    const auto begun =
        ask(server.path(),
            post(
                audits,
                R"({"at":["request_body"],"by":["close","reset"],"subjects":["beast"],"repeat":5})"
            ));
    CHECK(begun.status == 202);
    CHECK(begun.field("location") == std::string(audits) + "/" + id_of(begun));
    CHECK(begun.field("retry-after") == "1");
    const auto body = parsed_body(begun);
    CHECK(body["schema"] == "finwait.audit/1");
    CHECK(body["id"] == id_of(begun));
    CHECK(body["state"] == "running");
    CHECK(body["progress"]["planned"] == 24);
    CHECK(body["links"]["events"] == "/api/v1/events?audit=" + id_of(begun));
    server.inside([](fake_backend& b, auto&) {
        REQUIRE(b.orders.size() == 1);
        CHECK(b.orders[0].at == std::vector<std::string>{"request_body"});
        CHECK(b.orders[0].by == std::vector<std::string>{"close", "reset"});
        CHECK(b.orders[0].repeat == 5);
        REQUIRE(b.askers.size() == 1);
        CHECK(b.askers[0].listener == listener_kind::unix_);
        CHECK(b.askers[0].uid == geteuid());
        CHECK(b.askers[0].gid == getegid());
        CHECK(b.askers[0].pid == getpid());
    });
    const auto named = ask(server.path(), post(audits, R"({"name":"nightly"})"));
    const auto joined = ask(server.path(), post(audits, R"({"name":"nightly"})"));
    CHECK(joined.status == 202);
    CHECK(id_of(joined) == id_of(named));
    CHECK(ask(server.port(), get(begun.field("location"))).status == 200);
    CHECK(ask(server.path(), delete_(begun.field("location"))).status == 202);
    CHECK(ask(server.port(), get(begun.field("location"))).status == 404);
    const auto old = ask(server.path(), delete_("/api/v1/audits/01KG9BZ4W37V8ZJ1QYXR5S2T6P"));
    CHECK(old.status == 409);
    CHECK(parsed_body(old)["code"] == "already_finished");
    CHECK(ask(server.path(), delete_("/api/v1/audits/01KG9BZ4W37V8ZJ1QYXR5S2T77")).status == 404);
    CHECK(ask(server.path(), delete_("/api/v1/audits/x")).status == 404);
}

TEST_CASE("a probe is started, shown, cancelled, and has a report when it is done")
{
    running_server server;
    const auto begun = ask(server.path(), post(probes, R"({"at":"idle","by":"close"})"));
    CHECK(begun.status == 202);
    const auto place = begun.field("location");
    CHECK(parsed_body(begun)["state"] == "running");
    CHECK(parsed_body(begun)["plan"]["at"] == "idle");
    server.inside([&](fake_backend& b, auto&) { b.end(id_of(begun)); });
    const auto done = parsed_body(ask(server.port(), get(place)));
    CHECK(done["state"] == "done");
    CHECK(done["links"]["report"] == "/api/v1/reports/" + id_of(begun));
    CHECK(ask(server.path(), delete_(place)).status == 409);
    const auto other = ask(server.path(), post(probes, R"({"at":"idle","by":"close"})"));
    CHECK(
        parsed_body(ask(server.path(), delete_(other.field("location"))))["state"] == "cancelled"
    );
}

TEST_CASE("Prefer: wait answers 200 once it is over, and 202 when the time is")
{
    running_server server;
    SUBCASE("over in time")
    {
        raw_client client(server.path());
        REQUIRE(client.send(post(audits, "{}", "Prefer: respond-async, wait=30\r\n")));
        std::string id;
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (id.empty() && std::chrono::steady_clock::now() < deadline)
            server.inside([&](fake_backend& b, auto&) {
                if (!b.running.empty())
                    id = b.running.begin()->first;
            });
        CHECK_FALSE(client.readable_within(50ms));
        server.inside([&](fake_backend& b, auto&) { b.end(id); });
        const auto answer = client.receive();
        REQUIRE(answer);
        CHECK(answer->status == 200);
        CHECK(answer->field("location").ends_with(id));
        CHECK(answer->field("preference-applied") == "respond-async, wait=30");
        CHECK(parsed_body(*answer)["outcome"] == "void");
        CHECK(client.send(get("/livez")));
        CHECK(client.receive()->status == 200); // and the connection goes on
    }
    SUBCASE("not in time")
    {
        const auto answer = ask(server.path(), post(audits, "{}", "Prefer: wait=1\r\n"));
        CHECK(answer.status == 202);
        CHECK(answer.field("preference-applied") == "wait=1");
        CHECK(parsed_body(answer)["state"] == "running");
    }
    SUBCASE("longer than is allowed")
    {
        limits allowed;
        allowed.wait = 20ms;
        running_server hasty(allowed);
        CHECK(ask(hasty.path(), post(audits, "{}", "Prefer: wait=86400\r\n")).status == 202);
    }
    SUBCASE("preferences that mean nothing")
    {
        for (const char* text : {"wait=x", "wait", "x=y; wait=3", "wait=-1", ""}) {
            CAPTURE(text);
            const auto answer =
                ask(server.path(),
                    post(audits, R"({"name":"same"})", "Prefer: " + std::string(text) + "\r\n"));
            CHECK(answer.status == 202);
            CHECK(answer.field("preference-applied").empty());
        }
    }
}

TEST_CASE("a body is what the route takes, or refused with the place of what is wrong")
{
    struct row
    {
        std::string path;
        std::string body;
        std::string pointer;
        std::string detail;
    };
    const row rows[] = {
        {audits, "", "", "JSON"},
        {audits, "[]", "", ""},
        {audits, "{", "", "JSON"},
        {audits, "{}x", "", "JSON"},
        {audits, R"({"at":["idel"]})", "/at/0", "did you mean \"idle\"?"},
        {audits, R"({"at":["idle","x"]})", "/at/1", "one of"},
        {audits, R"({"at":"idle"})", "/at", "list"},
        {audits, R"({"by":["rest"]})", "/by/0", "reset"},
        {audits, R"({"framing":["until_close"]})", "/framing", ""},
        {audits, R"({"repeat":0})", "/repeat", "1 to 1000"},
        {audits, R"({"repeat":1001})", "/repeat", "1 to 1000"},
        {audits, R"({"repeat":1.9})", "/repeat", "whole"},
        {audits, R"({"repeat":true})", "/repeat", "whole"},
        {audits, R"({"tls":1})", "/tls", ""},
        {audits, R"({"target":"http://169.254.169.254/"})", "/target", "name"},
        {audits, R"({"target":""})", "/target", "name"},
        {audits, R"({"subjects":["../../bin/sh"]})", "/subjects/0", "name"},
        {audits, R"({"subjects":["a:b:c"]})", "/subjects/0", "name"},
        {audits, R"({"subjects":[7]})", "/subjects/0", ""},
        {audits, R"({"name":"nightly","tls":true})", "/name", "alone"},
        {audits, R"({"name":"a","name":"b"})", "", "twice"},
        {audits, R"({"url":"http://x/"})", "/url", "url"},
        {audits, R"({"command":["sh"]})", "/command", "command"},
        {audits, R"({"argv":["sh"]})", "/argv", "argv"},
        {audits, R"({"headers":{"X":"y"}})", "/headers", "headers"},
        {audits, R"({"env":{"LD_PRELOAD":"y"}})", "/env", "env"},
        {audits, "{\"at\":[\"" + std::string(100, 'a') + "\"]}", "/at/0", "one of"},
        {probes, "{}", "/at", "at"},
        {probes, R"({"at":"idle"})", "/by", "by"},
        {probes, R"({"at":"idle","by":"close","target":"https://evil.test/"})", "/target", "name"},
        {probes, R"({"at":"idle","by":"close","subject":"/bin/sh"})", "/subject", "name"},
        {probes, R"({"at":"idle","by":"close","client":{"command":["sh"]}})", "/client", ""},
        {probes,
         R"({"at":"idle","by":"close","id":"01KG9BZ4W37V8ZJ1QYXR5S2T6P"})",
         "/id",
         "daemon"},
        {probes, R"({"at":"idle","by":"close","requests":101})", "/requests", "100"},
        {probes,
         R"({"at":"idle","by":"close","response":{"framing":"length","body_bytes":67108865}})",
         "/response/body_bytes",
         "67108864"},
        {probes, R"({"at":"idle","by":"close","url":"x"})", "/url", "url"},
    };
    running_server server;
    for (const auto& each : rows) {
        CAPTURE(each.body);
        const auto answer = ask(server.path(), post(each.path, each.body));
        CHECK(answer.status == 400);
        const auto body = parsed_body(answer);
        CHECK(body["code"] == "invalid_body");
        REQUIRE(body["errors"].size() == 1);
        CHECK(body["errors"][0].value("pointer", "") == each.pointer);
        CHECK(body["detail"].get<std::string>().find(each.detail) != std::string::npos);
    }
    const auto deep = std::string(33, '[') + std::string(33, ']');
    CHECK(ask(server.path(), post(audits, "{\"at\":" + deep + "}")).status == 400);
    server.inside([](fake_backend& b, auto&) { CHECK(b.askers.empty()); });
    const auto unknown = ask(server.path(), post(audits, R"({"target":"nowhere"})"));
    CHECK(unknown.status == 404);
    CHECK(parsed_body(unknown)["code"] == "unknown_target");
    CHECK(parsed_body(unknown)["errors"][0]["pointer"] == "/target");
}

TEST_CASE("content types, fetch metadata and origins on the Unix socket")
{
    struct row
    {
        std::string fields;
        unsigned status;
        std::string code;
    };
    const std::string json = "Content-Type: application/json\r\n";
    const row rows[] = {
        {"", 415, "not_json"},
        {"Content-Type: text/plain\r\n", 415, "not_json"},
        {"Content-Type: application/x-www-form-urlencoded\r\n", 415, "not_json"},
        {"Content-Type: multipart/form-data; boundary=x\r\n", 415, "not_json"},
        {"Content-Type: application/jsonx\r\n", 415, "not_json"},
        {"Content-Type: text/plain; x=application/json\r\n", 415, "not_json"},
        {json + "Content-Type: text/plain\r\n", 415, "not_json"},
        {json, 202, ""},
        {"content-type: APPLICATION/JSON; charset=utf-8\r\n", 202, ""},
        {json + "Sec-Fetch-Site: same-origin\r\nOrigin: http://localhost\r\n", 202, ""},
        {json + "Sec-Fetch-Site: cross-site\r\n", 403, "cross_origin"},
        {json + "Sec-Fetch-Site: same-site\r\n", 403, "cross_origin"},
        {json + "Origin: http://evil.test\r\n", 403, "cross_origin"},
        {json + "Origin: null\r\n", 403, "cross_origin"},
        {"Content-Type: text/plain\r\nOrigin: http://evil.test\r\n", 403, "cross_origin"},
    };
    running_server server;
    server.inside([](fake_backend& b, auto&) { b.room = 100; });
    for (const auto& each : rows) {
        CAPTURE(each.fields);
        raw_client client(server.path());
        REQUIRE(client.send(
            "POST /api/v1/audits HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n" +
            each.fields + "\r\n{}"
        ));
        const auto answer = client.receive();
        REQUIRE(answer);
        CHECK(answer->status == each.status);
        if (each.code.empty())
            continue;
        CHECK(parsed_body(*answer)["code"] == each.code);
        CHECK(client.closed_by_server());
    }
}

TEST_CASE("DELETE needs the content type as well, and without it nothing is cancelled")
{
    running_server server;
    const auto place = ask(server.path(), post(audits, "{}")).field("location");
    for (const char* fields :
         {"",
          "Content-Type: text/plain\r\n",
          "Content-Type: text/plain\r\nContent-Length: 0\r\n"}) {
        CAPTURE(fields);
        const auto answer =
            ask(server.path(),
                "DELETE " + place + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n");
        CHECK(answer.status == 415);
        CHECK(parsed_body(answer)["code"] == "not_json");
    }
    CHECK(parsed_body(ask(server.port(), get(place)))["state"] == "running");
    const auto cancelled =
        ask(server.path(),
            "DELETE " + place +
                " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                "Content-Length: 0\r\n\r\n");
    CHECK(cancelled.status == 202);
}

TEST_CASE("Expect: 100-continue is answered once everything but the body is right")
{
    running_server server;
    const auto head = [](const std::string& path, const std::string& length) {
        return "POST " + path +
               " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
               "Expect: 100-continue\r\nContent-Length: " +
               length + "\r\n\r\n";
    };
    SUBCASE("then the body is read")
    {
        raw_client client(server.path());
        REQUIRE(client.send(head(audits, "2")));
        CHECK(client.receive_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
        REQUIRE(client.send("{}"));
        CHECK(client.receive()->status == 202);
        REQUIRE(client.send(get("/livez")));
        CHECK(client.receive()->status == 200);
    }
    SUBCASE("not when the body is there already")
    {
        raw_client client(server.path());
        REQUIRE(client.send(head(audits, "2") + "{}"));
        CHECK(client.receive()->status == 202);
    }
    SUBCASE("not when it would be in vain")
    {
        for (const auto& [path, length, status] :
             {std::tuple("/api/v1/audits", "65537", 413U),
              std::tuple("/nowhere", "2", 404U),
              std::tuple("/api/v1/status", "2", 405U)}) {
            raw_client client(server.path());
            REQUIRE(client.send(head(path, length)));
            CHECK(client.receive()->status == status);
            CHECK(client.closed_by_server());
        }
        raw_client client(server.port());
        REQUIRE(client.send(head(audits, "2")));
        CHECK(client.receive()->status == 405);
    }
}

TEST_CASE("bodies of every size up to the bound arrive whole, however they come")
{
    running_server server;
    server.inside([](fake_backend& b, auto&) { b.room = 1000; });
    for (const std::size_t size : {2UL, 4096UL, 8192UL, 16384UL, 65536UL}) {
        CAPTURE(size);
        raw_client client(server.path());
        const std::string body = "{}" + std::string(size - 2, ' ');
        REQUIRE(client.send(post(audits, body) + get("/livez")));
        CHECK(client.receive()->status == 202);
        CHECK(client.receive()->body == "ok\n");
    }
    raw_client slow(server.path());
    for (const char c : post(audits, R"({"name":"drop-by-drop"})"))
        REQUIRE(slow.send(std::string(1, c)));
    CHECK(slow.receive()->status == 202);
}

TEST_CASE("a body that does not come ends the connection at its deadline")
{
    limits allowed;
    allowed.body = 100ms;
    running_server server(allowed);
    raw_client client(server.path());
    const auto whole = post(audits, "{}");
    REQUIRE(client.send(whole.substr(0, whole.size() - 1)));
    CHECK(client.closed_by_server());
    server.inside([](fake_backend& b, auto&) { CHECK(b.askers.empty()); });
}

TEST_CASE("a full queue is 429 with Retry-After")
{
    running_server server;
    for (int i = 0; i < 3; ++i)
        CHECK(ask(server.path(), post(audits, "{}")).status == 202);
    const auto refused = ask(server.path(), post(audits, "{}"));
    CHECK(refused.status == 429);
    CHECK(refused.field("retry-after") == "1");
    CHECK(parsed_body(refused)["code"] == "limit_exceeded");
}

TEST_CASE("the configuration is shown and reloaded on the Unix socket, errors with their places")
{
    running_server server;
    const auto shown = parsed_body(ask(server.path(), get("/api/v1/config")));
    CHECK(shown["schema"] == "finwait.settings/1");
    CHECK(shown["serve"]["token"] == "<redacted>");
    for (const char* body : {"", "{}", " {} ", "{\n}\r\n", "\t{\t}"})
        CHECK(ask(server.path(), post("/api/v1/config/reload", body)).status == 200);
    for (const char* body : {" ", "[]", "null", "{}{}", "{", R"({"path":"/etc"})"}) {
        CAPTURE(body);
        const auto other = ask(server.path(), post("/api/v1/config/reload", body));
        CHECK(other.status == 400);
        CHECK(parsed_body(other)["code"] == "invalid_body");
    }
    server.inside([](fake_backend& b, auto&) {
        b.refused = {
            problem_code::bad_config,
            "the configuration has 1 error",
            {{"", "no key \"evry\"; did you mean \"every\"?", "/etc/finwait/finwait.toml", 12, 3}}};
    });
    const auto refused = ask(server.path(), post("/api/v1/config/reload", "{}"));
    CHECK(refused.status == 422);
    const auto error = parsed_body(refused)["errors"][0];
    CHECK(error["file"] == "/etc/finwait/finwait.toml");
    CHECK(error["line"] == 12);
    CHECK(error["column"] == 3);
    CHECK(ask(server.port(), get("/api/v1/config")).status == 403);
}

TEST_CASE("every write on the Unix socket is logged with who asked, and reads are not")
{
    running_server server;
    const auto begun = ask(server.path(), post(audits, "{}"));
    (void)ask(server.path(), delete_("/api/v1/audits/x"));
    (void)ask(server.path(), get("/api/v1/config"));
    const auto who = " by uid " + std::to_string(geteuid()) + " gid " + std::to_string(getegid()) +
                     " pid " + std::to_string(getpid()) + ": ";
    const std::vector<std::string> wanted{
        "POST /api/v1/audits" + who + "202, " + begun.field("location"),
        "DELETE /api/v1/audits/x" + who + "404"};
    CHECK(server.logged() == wanted);
}

TEST_CASE("with a token TCP writes, without it or with another it does not")
{
    running_server server({}, with_token());
    const auto with = [](const std::string& field) {
        return post(audits, "{}", field);
    };
    for (const std::string& field : std::vector<std::string>{
             "",
             "Authorization: Bearer\r\n",
             "Authorization: Bearer \r\n",
             "Authorization: Bearer " + token.substr(1) + "\r\n",
             "Authorization: Bearer " + token.substr(0, token.size() - 1) + "\r\n",
             "Authorization: Bearer " + token.substr(0, token.size() - 1) + "x\r\n",
             "Authorization: Bearer " + token + token + "\r\n",
             "Authorization: Basic " + token + "\r\n",
             "Authorization: " + token + "\r\n",
             "X-Token: " + token + "\r\n",
             "Authorization: Bearer " + token + "\r\nAuthorization: Bearer x\r\n"}) {
        CAPTURE(field);
        const auto answer = ask(server.port(), with(field));
        CHECK(answer.status == 401);
        CHECK(answer.field("www-authenticate") == "Bearer");
        CHECK(parsed_body(answer)["code"] == "unauthenticated");
        CHECK(answer.body.find(token) == std::string::npos);
    }
    CHECK(ask(server.port(), get("/api/v1/status?token=" + std::string(32, 'x'))).status == 400);
    const auto right = "Authorization: bearer " + token + "\r\n";
    CHECK(ask(server.port(), with(right)).status == 202);
    CHECK(ask(server.port(), with(right + "Sec-Fetch-Site: cross-site\r\n")).status == 403);
    CHECK(ask(server.port(), with(right + "Origin: http://evil.test\r\n")).status == 403);
    CHECK(ask(server.port(), post("/api/v1/config/reload", "{}", right)).status == 403);
    CHECK(ask(server.path(), with("")).status == 202); // the Unix socket needs none
    server.inside([](fake_backend& b, auto&) { CHECK(b.askers.size() == 2); });
    for (const auto& line : server.logged())
        CHECK(line.find(token) == std::string::npos);
}

TEST_CASE("a short token is none")
{
    fake_backend backend;
    net::io_context io(1);
    server_options options;
    options.tcp = {net::ip::address_v4::loopback(), 0};
    options.token = std::string(31, 'x');
    const auto made = server::make(io, backend, std::move(options));
    REQUIRE_FALSE(made);
    CHECK(made.error().code == boost::system::errc::invalid_argument);
}

TEST_SUITE_END();
