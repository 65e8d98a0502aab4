// GET /api/v1/events: order, resumption, what a reader that lags or leaves gets.
#include "tests/api/harness.hpp"

#include <doctest/doctest.h>

#include <sys/socket.h>

using namespace finwait::web;
using namespace std::chrono_literals;

namespace {

constexpr auto audit = "01KG9BZ4W37V8ZJ1QYXR5S2T6P";

void add(
    running_server& server, const std::string& name, const std::string& data, const char* of = ""
)
{
    server.inside([&](fake_backend& b, auto&) {
        b.log.add(name, of, std::make_shared<const std::string>(data));
    });
}

/// A reader, and that the head has come.
raw_client reader(running_server& server, std::string_view query = "", std::string_view fields = "")
{
    raw_client client(server.port());
    REQUIRE(client.send(get("/api/v1/events" + std::string(query), fields)));
    const auto head = client.receive();
    REQUIRE(head);
    REQUIRE(head->status == 200);
    return client;
}

std::string id(std::uint64_t behind_start)
{
    return std::to_string(1'700'000'000'000'000 + behind_start);
}

std::string frame(std::uint64_t number, const std::string& name, const std::string& data)
{
    return "id: " + id(number) + "\nevent: " + name + "\ndata: " + data + "\n\n";
}

std::string last_id(std::uint64_t number)
{
    return "Last-Event-ID: " + id(number) + "\r\n";
}

} // namespace

TEST_SUITE_BEGIN("api/events");

TEST_CASE("a reader gets what happens from now on, in order")
{
    running_server server;
    add(server, "audit", "before");
    raw_client client(server.port());
    REQUIRE(client.send(get("/api/v1/events")));
    const auto head = client.receive();
    REQUIRE(head);
    CHECK(head->field("content-type") == "text/event-stream");
    CHECK(head->field("cache-control") == "no-store");
    CHECK(head->field("connection") == "close");
    CHECK(head->field("content-length").empty());
    // Where it is, for a reader that is cut off before the first event.
    CHECK(client.receive_until("\n\n") == "retry: 2000\nid: " + id(0) + "\n\n");
    add(server, "audit", R"({"a":1})");
    add(server, "report", "{}");
    add(server, "config", "two\nlines");
    CHECK(client.receive_until("\n\n") == frame(1, "audit", R"({"a":1})"));
    CHECK(client.receive_until("\n\n") == frame(2, "report", "{}"));
    CHECK(client.receive_until("\n\n") == frame(3, "config", "two\ndata: lines"));
}

TEST_CASE("Last-Event-ID goes on where it was, or says that some are gone")
{
    running_server server;
    for (int i = 0; i < 20; ++i) // the ring holds 16
        add(server, "report", std::to_string(i));
    auto near = reader(server, "", last_id(17));
    (void)near.receive_until("\n\n");
    CHECK(near.receive_until("\n\n") == frame(18, "report", "18"));
    CHECK(near.receive_until("\n\n") == frame(19, "report", "19"));
    auto newest = reader(server, "", last_id(19));
    (void)newest.receive_until("\n\n");
    const auto resync =
        frame(19, "resync", R"({"schema":"finwait.resync/1","newest":)" + id(19) + "}");
    // Overrun; of an earlier daemon; of a later one; no number at all.
    for (const auto& field :
         {last_id(2),
          std::string("Last-Event-ID: 5\r\n"),
          last_id(400),
          std::string("Last-Event-ID: x\r\n"),
          std::string("Last-Event-ID: 99999999999999999999999\r\n")}) {
        CAPTURE(field);
        auto far = reader(server, "", field);
        (void)far.receive_until("\n\n");
        CHECK(far.receive_until("\n\n") == resync);
    }
    add(server, "report", "20");
    CHECK(newest.receive_until("\n\n") == frame(20, "report", "20"));
}

TEST_CASE("a reader may ask for one audit's events only")
{
    running_server server;
    add(server, "report", "0", audit);
    add(server, "report", "1");
    auto client =
        reader(server, "?audit=" + std::string(audit), "Last-Event-ID: 1699999999999999\r\n");
    (void)client.receive_until("\n\n");
    CHECK(client.receive_until("\n\n") == frame(0, "report", "0"));
    add(server, "report", "2");
    add(server, "audit", "3", audit);
    CHECK(client.receive_until("\n\n") == frame(3, "audit", "3"));
}

TEST_CASE("a silence is broken by comments")
{
    limits allowed;
    allowed.silence = 50ms;
    running_server server(allowed);
    auto client = reader(server);
    (void)client.receive_until("\n\n");
    CHECK(client.receive_until(":\n\n") == ":\n\n");
    CHECK(client.receive_until(":\n\n") == ":\n\n");
    add(server, "audit", "x");
    CHECK(client.receive_until("audit\ndata: x\n\n").find("event: ") != std::string::npos);
}

TEST_CASE("eight readers at once, the next is told so; who leaves makes room")
{
    running_server server;
    std::vector<raw_client> clients;
    for (int i = 0; i < 8; ++i)
        clients.push_back(reader(server));
    const auto refused = ask(server.port(), get("/api/v1/events"));
    CHECK(refused.status == 503);
    CHECK(refused.field("retry-after") == "1");
    CHECK(ask(server.port(), get("/livez")).status == 200);
    clients.pop_back();
    REQUIRE(server.wait_for_connections(7));
    clients.push_back(reader(server));
    CHECK(ask(server.port(), "HEAD" + get("/api/v1/events").substr(3)).status == 200);
}

TEST_CASE("the streams of the Unix socket are its own, so that an operator always gets one")
{
    running_server server;
    std::vector<raw_client> clients;
    for (int i = 0; i < 8; ++i)
        clients.push_back(reader(server));
    REQUIRE(ask(server.port(), get("/api/v1/events")).status == 503);
    for (int i = 0; i < 8; ++i) {
        raw_client& own = clients.emplace_back(server.path());
        REQUIRE(own.send(get("/api/v1/events")));
        const auto head = own.receive();
        REQUIRE(head);
        CHECK(head->status == 200);
    }
    CHECK(ask(server.path(), get("/api/v1/events")).status == 503);
    CHECK(ask(server.path(), get("/livez")).status == 200);
    add(server, "audit", "x");
    CHECK(clients.back().receive_until("data: x\n\n").find("event: audit") != std::string::npos);
    const auto metrics = ask(server.port(), get("/metrics")).body;
    CHECK(metrics.find("finwait_api_event_streams 16\n") != std::string::npos);
}

TEST_CASE("a reader that does not read is cut off, and what waits for it is bounded")
{
    limits allowed;
    allowed.write = 300ms;
    running_server server(allowed);
    auto slow = reader(server);
    auto quick = reader(server);
    const std::string much(1024 * 1024, 'x');
    for (int i = 0; i < 64; ++i) { // more than any socket buffers hold
        add(server, "report", much);
        (void)quick.receive_until(much + "\n\n");
    }
    CHECK(server.wait_for_connections(1));
    CHECK(slow.receive_all().size() < 64 * much.size());
    add(server, "report", "end");
    CHECK(quick.receive_until("data: end\n\n").size() > 0);
}

TEST_CASE("a reader that lags loses what waits for it and is told, and goes on from there")
{
    limits allowed;
    allowed.stream_queue = 4;
    running_server server(allowed);
    auto client = reader(server);
    (void)client.receive_until("\n\n");
    server.inside([](fake_backend& b, auto&) { // all in one turn of the loop
        for (int i = 1; i <= 9; ++i)
            b.log.add("report", "", std::make_shared<const std::string>(std::to_string(i)));
    });
    CHECK(
        client.receive_until("\n\n") ==
        frame(8, "resync", R"({"schema":"finwait.resync/1","newest":)" + id(8) + "}")
    );
    add(server, "report", "10");
    CHECK(client.receive_until("\n\n") == frame(9, "report", "10"));
}

TEST_CASE("a reader that talks back is listened to up to a bound")
{
    running_server server;
    auto client = reader(server);
    const std::string more(65536, 'x');
    while (client.send(more)) // ends by the RST of a closed socket
        ;
    CHECK(server.wait_for_connections(0));
}

TEST_CASE("stopping ends every stream")
{
    auto server = std::make_unique<running_server>();
    auto client = reader(*server);
    (void)client.receive_until("\n\n");
    server.reset();
    CHECK(client.closed_by_server());
}

TEST_SUITE_END();
