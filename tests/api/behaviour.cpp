// How connections live and end: order, deadlines, limits, shortages, stopping.
#include "tests/api/harness.hpp"

#include <boost/system/errc.hpp>
#include <doctest/doctest.h>

#include <cerrno>

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace finwait::web;
using namespace std::chrono_literals;

namespace {

/// As few descriptors as the process has now; restored in the end.
class no_descriptors_left
{
public:
    no_descriptors_left()
    {
        REQUIRE(getrlimit(RLIMIT_NOFILE, &before_) == 0);
        const int free = open("/dev/null", O_RDONLY | O_CLOEXEC);
        REQUIRE(free >= 0);
        close(free);
        rlimit now = before_;
        now.rlim_cur = static_cast<rlim_t>(free); // the lowest free number is above the limit
        REQUIRE(setrlimit(RLIMIT_NOFILE, &now) == 0);
    }
    no_descriptors_left(const no_descriptors_left&) = delete;
    no_descriptors_left& operator=(const no_descriptors_left&) = delete;
    ~no_descriptors_left() { setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

/// A socket made before there is no descriptor left, connected after.
int make_socket()
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(fd >= 0);
    return fd;
}

/// Every descriptor of this process that is a socket.
std::vector<int> open_sockets()
{
    std::vector<int> found;
    DIR* folder = opendir("/proc/self/fd");
    REQUIRE(folder);
    while (const auto* entry = readdir(folder)) {
        const int fd = std::atoi(entry->d_name);
        struct stat facts
        {
        };
        if (entry->d_name[0] != '.' && fstat(fd, &facts) == 0 && S_ISSOCK(facts.st_mode))
            found.push_back(fd);
    }
    closedir(folder);
    return found;
}

} // namespace

TEST_SUITE_BEGIN("api/behaviour");

TEST_CASE("pipelined requests are answered in order")
{
    running_server server;
    raw_client client(server.port());
    std::string all;
    for (int i = 0; i < 97; ++i)
        all += get(i % 3 == 0 ? "/livez" : "/nowhere/" + std::to_string(i));
    REQUIRE(client.send(all));
    for (int i = 0; i < 97; ++i) {
        const auto answer = client.receive();
        REQUIRE(answer);
        CHECK(answer->status == (i % 3 == 0 ? 200 : 404));
        if (i % 3 != 0)
            CHECK(answer->body.find("/nowhere/" + std::to_string(i) + "\"") != std::string::npos);
    }
}

TEST_CASE("a client that says it is done still gets its answers, and then the end")
{
    running_server server;
    raw_client client(server.port());
    REQUIRE(client.send(get("/livez") + get("/nowhere")));
    client.shut_down();
    REQUIRE(client.receive());
    REQUIRE(client.receive());
    CHECK(client.closed_by_server());
    CHECK(server.wait_for_connections(0));
}

TEST_CASE("a header that trickles in is cut off at its deadline")
{
    limits allowed;
    allowed.header = 200ms;
    running_server server(allowed);
    raw_client client(server.port());
    REQUIRE(client.send("GET /livez HTTP/1.1\r\nHost: localhost\r\nX: "));
    const auto deadline = std::chrono::steady_clock::now() + patience;
    bool closed = false;
    while (!closed && std::chrono::steady_clock::now() < deadline)
        closed = client.readable_within(20ms) || !client.send("a"); // a byte each 20 ms
    CHECK(closed);
    CHECK(server.wait_for_connections(0));
}

TEST_CASE("a client that says nothing, or no more, is closed")
{
    limits allowed;
    allowed.header = 100ms;
    allowed.idle = 200ms;
    running_server server(allowed);
    raw_client silent(server.port());
    raw_client idle(server.port());
    REQUIRE(idle.send(get("/livez")));
    REQUIRE(idle.receive());
    CHECK(silent.closed_by_server());
    CHECK(idle.closed_by_server());
}

TEST_CASE("the deadline of a request begins with its first byte, not with the last answer")
{
    limits allowed;
    allowed.header = 100ms;
    allowed.idle = 60s;
    running_server server(allowed);
    raw_client client(server.port());
    REQUIRE(client.send(get("/livez")));
    REQUIRE(client.receive());
    CHECK_FALSE(client.readable_within(300ms)); // idle, and not closed
    REQUIRE(client.send("G"));
    CHECK(client.closed_by_server());
}

TEST_CASE("a client that does not read is closed, and others are served meanwhile")
{
    limits allowed;
    allowed.write = 300ms;
    running_server server(allowed);
    constexpr std::size_t much = 64 * 1024 * 1024; // more than any socket buffers hold
    server.inside([](fake_backend& b, auto&) { b.padding_bytes = much; });
    raw_client slow(server.port());
    REQUIRE(slow.send(get("/api/v1/audits/latest")));
    CHECK(slow.readable_within(patience));
    CHECK(ask(server.port(), get("/livez")).status == 200);
    CHECK(server.wait_for_connections(0));
    CHECK(slow.receive_all().size() < much);
}

TEST_CASE("a refused request's body is let pass up to a bound, then the connection ends")
{
    limits allowed;
    allowed.refused = 200ms;
    running_server server(allowed);
    SUBCASE("a client that never stops sending")
    {
        raw_client client(server.port());
        const std::string begin =
            "POST /api/v1/audits HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
        REQUIRE(client.send(begin));
        const auto answer = client.receive();
        REQUIRE(answer);
        CHECK(answer->status == 411);
        const std::string more(65536, 'x');
        while (client.send(more)) // ends by the RST of a closed socket
            ;
        CHECK(server.wait_for_connections(0));
    }
    SUBCASE("a client that stands still")
    {
        raw_client client(server.port());
        REQUIRE(client.send("GET / HTTP/1.1\r\n\r\n"));
        REQUIRE(client.receive());
        CHECK(client.closed_by_server());
        CHECK(server.wait_for_connections(0)); // although the client keeps its end open
    }
}

TEST_CASE("at most 64 connections at once; the next is told so, and one later is served again")
{
    running_server server;
    std::vector<raw_client> clients;
    for (int i = 0; i < 64; ++i) {
        clients.emplace_back(server.port());
        REQUIRE(clients.back().send(get("/livez")));
        REQUIRE(clients.back().receive());
    }
    raw_client refused(server.port());
    (void)refused.send(get("/livez")); // ignoring: it may be closed already
    const auto answer = refused.receive();
    REQUIRE(answer);
    CHECK(answer->status == 503);
    CHECK(answer->field("retry-after") == "1");
    CHECK(answer->field("connection") == "close");
    CHECK(answer->body.find("\"code\":\"busy\"") != std::string::npos);
    CHECK(server.connections() == 64);
    clients.pop_back();
    REQUIRE(server.wait_for_connections(63));
    CHECK(ask(server.port(), get("/livez")).status == 200);
}

TEST_CASE("without a descriptor left it waits, says so once, and serves when there is one again")
{
    running_server server;
    const int fd = make_socket();
    (void)server.connections(); // its listeners have begun to wait
    {
        const no_descriptors_left shortage;
        sockaddr_in where{};
        where.sin_family = AF_INET;
        where.sin_port = htons(server.port());
        where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(connect(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
        const auto request = get("/livez", "Connection: close\r\n");
        REQUIRE(send(fd, request.data(), request.size(), MSG_NOSIGNAL) > 0);
        CHECK(server.wait_for_log("connections cannot be accepted"));
        // Several more attempts fail meanwhile: no answer, and no second line.
        timeval limit{0, 400'000};
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        char byte = 0;
        CHECK(recv(fd, &byte, 1, MSG_PEEK) == -1);
        CHECK(server.logged().size() == 1);
    }
    timeval limit{patience.count(), 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    char begin[12]{};
    CHECK(recv(fd, begin, sizeof begin, MSG_WAITALL) == 12);
    CHECK(std::string(begin, 12) == "HTTP/1.1 200");
    close(fd);
    CHECK(server.logged().size() == 1);
}

TEST_CASE("every socket is closed on exec")
{
    running_server server;
    raw_client client(server.port());
    REQUIRE(client.send(get("/livez")));
    REQUIRE(client.receive());
    const auto sockets = open_sockets();
    CHECK(sockets.size() >= 3); // listener, accepted, the client's
    for (const int fd : sockets)
        CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("stopping ends idle, half-read and half-written connections at once")
{
    limits allowed;
    allowed.header = allowed.idle = allowed.write = allowed.refused = 1h;
    auto server = std::make_unique<running_server>(allowed);
    server->inside([](fake_backend& b, auto&) { b.padding_bytes = 64 * 1024 * 1024; });
    raw_client idle(server->port());
    REQUIRE(idle.send(get("/livez")));
    REQUIRE(idle.receive());
    raw_client half(server->port());
    REQUIRE(half.send("GET /livez HT"));
    raw_client slow(server->port());
    REQUIRE(slow.send(get("/api/v1/audits/latest")));
    raw_client refused(server->port());
    REQUIRE(refused.send("BAD"));
    REQUIRE(refused.send(" \r\n\r\n"));
    REQUIRE(server->wait_for_connections(4));
    CHECK(slow.readable_within(patience));
    const auto port = server->port();
    server.reset(); // would take an hour, or for ever, if anything were left
    CHECK(idle.closed_by_server());
    (void)half.receive_all();
    (void)slow.receive_all();
    const int fd = make_socket();
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(port);
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(connect(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where) == -1);
    CHECK(errno == ECONNREFUSED);
    close(fd);
}

TEST_CASE("a server that is dropped without its event loop ever running leaves nothing")
{
    const auto before = open_sockets().size();
    {
        fake_backend backend;
        net::io_context io(1);
        server_options options;
        options.tcp = {net::ip::address_v4::loopback(), 0};
        const auto made = server::make(io, backend, std::move(options));
        REQUIRE(made);
        raw_client waiting((*made)->tcp()->port());
        (*made)->stop();
        (*made)->stop();
    }
    CHECK(open_sockets().size() == before);
}

TEST_SUITE_END();
