// Answers that wait for something to happen, and the one rendering of the status that all get.
#include "tests/api/harness.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace finwait;
using namespace finwait::web;
using namespace std::chrono_literals;

namespace {

std::uint64_t index_of(const reply& answer)
{
    return nlohmann::json::parse(answer.body)["index"].get<std::uint64_t>();
}

std::string status_after(std::uint64_t index, const std::string& wait)
{
    return get("/api/v1/status?index=" + std::to_string(index) + "&wait=" + wait);
}

void change(running_server& server)
{
    server.inside([](fake_backend& b, auto&) {
        b.now.open_findings += 1;
        b.log.status_changed();
    });
}

} // namespace

TEST_SUITE_BEGIN("api/waiting");

TEST_CASE("a status with an old index is answered at once, with the newest when it changes")
{
    running_server server;
    const auto index = index_of(ask(server.port(), get("/api/v1/status")));
    CHECK(index_of(ask(server.port(), status_after(index - 1, "60s"))) == index);
    CHECK(index_of(ask(server.port(), status_after(index + 1, "60s"))) == index);
    CHECK(index_of(ask(server.port(), status_after(0, "60s"))) == index);
    raw_client client(server.port());
    REQUIRE(client.send(status_after(index, "60s") + get("/livez")));
    CHECK_FALSE(client.readable_within(100ms));
    server.inside([](fake_backend& b, auto&) { b.log.add("report", "", nullptr); });
    CHECK_FALSE(client.readable_within(100ms)); // an event is no change of the status
    change(server);
    const auto answer = client.receive();
    REQUIRE(answer);
    CHECK(index_of(*answer) == index + 1);
    CHECK(nlohmann::json::parse(answer->body)["open_findings"] == 2);
    CHECK(client.receive()->body == "ok\n"); // what was sent meanwhile
}

TEST_CASE("without an index the next change is waited for")
{
    running_server server;
    const auto index = index_of(ask(server.port(), get("/api/v1/status")));
    raw_client client(server.port());
    REQUIRE(client.send(get("/api/v1/status?wait=60s")));
    CHECK_FALSE(client.readable_within(50ms));
    change(server);
    CHECK(index_of(*client.receive()) == index + 1);
}

TEST_CASE("a wait ends with its time, which is bounded, and then says what is")
{
    running_server server;
    const auto first = ask(server.port(), get("/api/v1/status"));
    const auto index = index_of(first);
    for (const char* wait : {"0", "1ms", "30ms", "0s", "0m"})
        CHECK(index_of(ask(server.port(), status_after(index, wait))) == index);
    limits allowed;
    allowed.wait = 50ms;
    running_server hasty(allowed);
    for (const char* wait : {"60s", "99999999999999m", "18446744073709551615ms"})
        CHECK(ask(hasty.port(), status_after(index, wait)).status == 200);
    CHECK(ask(hasty.port(), get("/api/v1/status?index=" + std::to_string(index))).status == 200);
    const auto tag = first.field("etag");
    const auto same =
        "GET /api/v1/status?wait=20ms HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: " + tag +
        "\r\n\r\n";
    CHECK(ask(server.port(), same).status == 304);
}

TEST_CASE("wait_for waits until the status is that good")
{
    running_server server; // warn
    CHECK(ask(server.port(), get("/api/v1/status?wait_for=warn")).status == 200);
    CHECK(ask(server.port(), get("/api/v1/status?wait_for=fail")).status == 200);
    const auto late = ask(server.port(), get("/api/v1/status?wait_for=pass&timeout=20ms"));
    CHECK(nlohmann::json::parse(late.body)["status"] == "warn");
    raw_client client(server.port());
    REQUIRE(client.send(get("/api/v1/status?wait_for=pass&timeout=1m")));
    change(server);
    CHECK_FALSE(client.readable_within(50ms));
    server.inside([](fake_backend& b, auto&) {
        b.now.status = health::pass;
        b.log.status_changed();
    });
    CHECK(nlohmann::json::parse(client.receive()->body)["status"] == "pass");
}

TEST_CASE("who leaves while it waits frees its place")
{
    running_server server;
    const auto index = index_of(ask(server.port(), get("/api/v1/status")));
    {
        raw_client client(server.port());
        REQUIRE(client.send(status_after(index, "60s")));
        CHECK_FALSE(client.readable_within(50ms));
        REQUIRE(server.connections() == 1);
    }
    CHECK(server.wait_for_connections(0));
    raw_client half(server.port()); // who only says that nothing more comes gets its answer
    REQUIRE(half.send(status_after(index, "60s")));
    half.shut_down();
    const auto answer = half.receive();
    REQUIRE(answer);
    CHECK(index_of(*answer) == index);
    CHECK(half.closed_by_server());
}

TEST_CASE("stopping ends those who wait")
{
    auto server = std::make_unique<running_server>();
    raw_client client(server->port());
    REQUIRE(client.send(get("/api/v1/status?wait=60s")));
    CHECK_FALSE(client.readable_within(50ms));
    server.reset();
    CHECK(client.receive_all().empty());
}

TEST_CASE("what is thrown at the end of a wait is a 500, and the connection goes on")
{
    running_server server;
    raw_client client(server.path());
    REQUIRE(client.send(post("/api/v1/audits", "{}", "Prefer: wait=60\r\n")));
    const auto lose = [](fake_backend& b, auto&) {
        b.running.clear(); // no longer under way, and nowhere
        b.log.status_changed();
    };
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!client.readable_within(10ms) && std::chrono::steady_clock::now() < deadline)
        server.inside(lose);
    CHECK(client.receive()->status == 500);
    CHECK(server.wait_for_log("what was accepted is not there"));
    REQUIRE(client.send(get("/livez")));
    CHECK(client.receive()->status == 200);
}

TEST_CASE("the status is rendered once for all, until something has happened")
{
    running_server server;
    raw_client client(server.port());
    std::size_t asked = 0;
    const auto count = [&] {
        server.inside([&](fake_backend& b, auto&) { asked = b.times_asked_for_status; });
        return asked;
    };
    const auto begun = std::chrono::steady_clock::now();
    for (int i = 0; i < 101; ++i) {
        REQUIRE(client.send(get("/api/v1/status")));
        REQUIRE(client.receive());
    }
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - begun)
            .count();
    CHECK(count() <= 1 + static_cast<std::size_t>(seconds));
    const auto before = asked;
    change(server);
    REQUIRE(client.send(get("/api/v1/status")));
    CHECK(nlohmann::json::parse(client.receive()->body)["open_findings"] == 2);
    CHECK(count() > before);
}

TEST_SUITE_END();
