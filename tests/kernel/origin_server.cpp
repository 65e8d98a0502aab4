// Where an origin stalls: what it has read and written, what its client has and what the kernel
// says, on real sockets over loopback.
#include "tests/kernel/origin_peer.hpp"

#include <filesystem>

#include <fcntl.h>
#include <sys/resource.h>

using namespace finwait;
using namespace finwait::test;

namespace {

origin::script at(kill_point point)
{
    origin::script how;
    how.at = point;
    how.response = {framing::length, 64 * kibibyte};
    return how;
}

std::string chunk(std::size_t bytes, const std::string& hex)
{
    return hex + "\r\n" + std::string(bytes, 'x') + "\r\n";
}

/// Descriptors of this process that are sockets, and of them those without FD_CLOEXEC.
struct socket_count
{
    int all = 0;
    int without_cloexec = 0;
};

socket_count count_sockets()
{
    socket_count count;
    for (const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code error;
        const auto link = std::filesystem::read_symlink(each.path(), error);
        if (error || !link.string().starts_with("socket:"))
            continue;
        ++count.all;
        if ((::fcntl(std::stoi(each.path().filename()), F_GETFD) & FD_CLOEXEC) == 0)
            ++count.without_cloexec;
    }
    return count;
}

/// No more descriptors than there are, while it lives.
class no_more_descriptors
{
public:
    no_more_descriptors()
    {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const kernel::unique_fd next(::dup(0));
        const rlimit now{static_cast<rlim_t>(next.get()), before_.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &now);
    }
    no_more_descriptors(const no_more_descriptors&) = delete;
    no_more_descriptors& operator=(const no_more_descriptors&) = delete;
    ~no_more_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

} // namespace

TEST_SUITE("probe/origin/server stalls")
{
    TEST_CASE("connect: the client stays in SYN_SENT and the origin says nothing of it")
    {
        for (const auto family : all_of<address_family>()) {
            auto how = at(kill_point::connect);
            how.family = family;
            stage lab(how);
            const auto index = lab.stall();
            REQUIRE(index.has_value());
            CHECK(*index == origin::server::no_index);
            peer client(lab);
            pollfd connected{client.fd(), POLLOUT, 0};
            CHECK(::poll(&connected, 1, 50) == 0);
            CHECK(origin::state_of(client.fd()) == tcp_state::SYN_SENT);
            CHECK(lab.server->connections().empty());
            lab.let_go(after_action::close);
        }
    }

    TEST_CASE("connected: accepted and never read, over IPv4 and IPv6, identity known")
    {
        for (const auto family : all_of<address_family>()) {
            auto how = at(kill_point::connected);
            how.family = family;
            stage lab(how);
            CHECK(lab.server->address().family == family);
            peer client(lab);
            client.send(get_request);
            const auto& seen = lab.stalled();
            const auto own = kernel::identify(client.fd());
            REQUIRE(own.has_value());
            CHECK(seen.id.peer == own->local);
            CHECK(seen.id.local == own->peer);
            CHECK(seen.id.cookie != 0);
            CHECK(seen.id.cookie != own->cookie);
            CHECK(seen.request_bytes == 0);
            CHECK(seen.response_bytes == 0);
            CHECK(lab.server->has_descriptor(0));
            lab.let_go(after_action::close);
            CHECK_FALSE(lab.server->has_descriptor(0));
            CHECK(client.wait_for_end() == ending::reset); // unread bytes
        }
    }

    TEST_CASE("request_headers: reads a few bytes of any client's head and no more")
    {
        stage lab(at(kill_point::request_headers));
        peer client(lab);
        client.send(get_request);
        CHECK(lab.stalled().request_bytes == 12);
        CHECK(client.queued() == 0);
    }

    TEST_CASE("request_headers: waits for exactly the bytes that the client will have sent")
    {
        auto how = at(kill_point::request_headers);
        how.request_bytes_until_stall = 20;
        stage lab(how);
        peer client(lab);
        client.send(get_request.substr(0, 19));
        run_until(lab.io, [&] {
            return !lab.server->connections().empty() && lab.first().request_bytes == 19;
        });
        const auto early = finish(lab.io, lab.server->stall(1ms));
        REQUIRE_FALSE(early.has_value());
        CHECK(early.error() == net::error::timed_out);
        client.send(get_request.substr(19));
        CHECK(lab.stalled().request_bytes == 20);
    }

    TEST_CASE("request_body: stops within the body, by the framing of what arrives")
    {
        auto how = at(kill_point::request_body);
        how.position = 0.25;
        how.request = {framing::length, 4000}; // what arrives decides
        stage lab(how);
        peer client(lab);
        SUBCASE("length")
        {
            const auto head = length_head(8000);
            client.send(head + std::string(8000, 'x'));
            CHECK(lab.stalled().request_bytes == head.size() + 2000);
        }
        SUBCASE("chunked: counts the data, not its framing")
        {
            const auto head = post_head("Transfer-Encoding: chunked\r\n");
            client.send(head + chunk(600, "258") + chunk(3400, "d48") + "0\r\n\r\n");
            CHECK(lab.stalled().request_bytes == head.size() + 5 + 600 + 2 + 5 + 400);
        }
        SUBCASE("a client that stops there by itself")
        {
            const auto head = length_head(8000);
            client.send(head + std::string(2000, 'x'));
            CHECK(lab.stalled().request_bytes == head.size() + 2000);
        }
        SUBCASE("no body at all: after the head")
        {
            client.send(get_request);
            CHECK(lab.stalled().request_bytes == get_request.size());
        }
        CHECK(lab.first().response_bytes == 0);
        CHECK(client.queued() == 0);
    }

    TEST_CASE("request_body, the client says how much: reads exactly that")
    {
        auto how = at(kill_point::request_body);
        how.request_bytes_until_stall = length_head(8000).size() + 7;
        stage lab(how);
        peer client(lab);
        client.send(length_head(8000) + std::string(8000, 'x'));
        CHECK(lab.stalled().request_bytes == how.request_bytes_until_stall);
    }

    TEST_CASE("request_body, blocked: the client's send stands behind a full window")
    {
        auto how = at(kill_point::request_body);
        how.blocked = true;
        how.request = {framing::length, 8 * mebibyte};
        stage lab(how);
        peer client(lab);
        const auto head = length_head(8 * mebibyte);
        client.send(head + std::string(20'000, 'x'));
        CHECK(lab.stalled().request_bytes == head.size() + 16 * kibibyte);
        CHECK(lab.first().request_bytes <= 20'000);
        const std::string body(8 * mebibyte, 'x');
        std::size_t sent = 20'000;
        // Stuck is: the window is closed (TCP_INFO) and the send buffer takes nothing more.
        run_until(lab.io, [&] {
            sent += client.send_some(std::string_view(body).substr(sent));
            pollfd writable{client.fd(), POLLOUT, 0};
            return ::poll(&writable, 1, 0) == 0 && origin::held_by_window(client.fd());
        });
        CHECK(sent < body.size());
        CHECK(lab.first().request_bytes == head.size() + 16 * kibibyte);
        const auto unsent = kernel::unsent_bytes(client.fd());
        REQUIRE(unsent.has_value());
        CHECK(*unsent > 0);
        lab.let_go(after_action::close);
        CHECK(client.wait_for_end() == ending::reset);
    }

    TEST_CASE("expect_continue: reads the head and withholds the 100")
    {
        stage lab(at(kill_point::expect_continue));
        peer client(lab);
        std::string head;
        std::string body;
        SUBCASE("a client that waits for it")
        {
            head = length_head(100, "Expect: 100-continue\r\n");
        }
        SUBCASE("a client that sends the body all the same")
        {
            head = length_head(100, "Expect: 100-continue\r\n");
            body.assign(100, 'x');
        }
        SUBCASE("a client that expects nothing")
        {
            head = length_head(100);
            body.assign(100, 'x');
        }
        client.send(head + body);
        CHECK(lab.stalled().request_bytes == head.size());
        CHECK(lab.first().response_bytes == 0);
        CHECK(client.queued() == 0);
    }

    TEST_CASE("await_response: reads the whole request and says nothing")
    {
        stage lab(at(kill_point::await_response));
        peer client(lab);
        std::string request;
        SUBCASE("no body")
        {
            request = get_request;
        }
        SUBCASE("length")
        {
            request = length_head(100'000) + std::string(100'000, 'x');
        }
        SUBCASE("chunked with trailers")
        {
            request = post_head("Transfer-Encoding: chunked\r\n") + chunk(10, "A;x=y") +
                      chunk(300, "12c") + "0\r\nTrailer: 1\r\n\r\n";
        }
        client.send(request);
        CHECK(lab.stalled().request_bytes == request.size());
        CHECK(lab.first().response_bytes == 0);
        CHECK(client.queued() == 0);
        CHECK(lab.server->noticed(0) == 0);
    }

    TEST_CASE("await_response: a client that expects 100 Continue gets it, and the body is read")
    {
        stage lab(at(kill_point::await_response));
        peer client(lab);
        const auto head = length_head(100, "Expect: 100-continue\r\n");
        client.send(head);
        const std::string interim = "HTTP/1.1 100 Continue\r\n\r\n";
        CHECK(client.receive(interim.size()) == interim);
        client.send(std::string(100, 'x'));
        CHECK(lab.stalled().request_bytes == head.size() + 100);
        CHECK(lab.first().response_bytes == interim.size());
    }

    TEST_CASE("response_headers: part of the head, at least half a status line, never all")
    {
        const auto head = response_head("Content-Length: 65536");
        struct row
        {
            double position;
            std::size_t bytes;
        };
        for (const auto& [position, bytes] :
             {row{0.5, head.size() / 2}, row{0.0, 10}, row{1.0, head.size() - 1}}) {
            auto how = at(kill_point::response_headers);
            how.position = position;
            stage lab(how);
            peer client(lab);
            client.send(get_request);
            CHECK(lab.stalled().response_bytes == bytes);
            CHECK(client.receive(bytes) == head.substr(0, bytes));
            CHECK(client.queued() == 0);
        }
    }

    TEST_CASE("response_body: the head and part of the body in each framing")
    {
        auto how = at(kill_point::response_body);
        std::string expected;
        const auto text = expected_body(20'000);
        SUBCASE("length")
        {
            how.response = {framing::length, 10'000};
            expected = response_head("Content-Length: 10000") + text.substr(0, 5000);
        }
        SUBCASE("length, position 0: one byte")
        {
            how.response = {framing::length, 10'000};
            how.position = 0;
            expected = response_head("Content-Length: 10000") + text.substr(0, 1);
        }
        SUBCASE("until close")
        {
            how.response = {framing::until_close, 10'000};
            expected = response_head("Connection: close") + text.substr(0, 5000);
        }
        SUBCASE("inside a chunk")
        {
            how.response = {framing::chunked, 10'000};
            expected = response_head("Transfer-Encoding: chunked") + "1000\r\n" +
                       text.substr(0, 4096) + "\r\n1000\r\n" + text.substr(4096, 904);
        }
        SUBCASE("inside the last, shorter chunk")
        {
            how.response = {framing::chunked, 5000};
            how.position = 0.9;
            expected = response_head("Transfer-Encoding: chunked") + "1000\r\n" +
                       text.substr(0, 4096) + "\r\n388\r\n" + text.substr(4096, 404);
        }
        SUBCASE("between chunks")
        {
            how.response = {framing::chunked, 16'384};
            expected = response_head("Transfer-Encoding: chunked") + "1000\r\n" +
                       text.substr(0, 4096) + "\r\n1000\r\n" + text.substr(4096, 4096) + "\r\n";
        }
        stage lab(how);
        peer client(lab);
        client.send(get_request);
        CHECK(lab.stalled().response_bytes == expected.size());
        CHECK(client.receive(expected.size()) == expected);
        CHECK(client.queued() == 0);
        CHECK(origin::state_of(client.fd()) == tcp_state::ESTABLISHED);
    }

    TEST_CASE("idle: a complete response, and the connection stays")
    {
        auto how = at(kill_point::idle);
        std::string request = get_request;
        std::string expected;
        SUBCASE("length")
        {
            expected = response_head("Content-Length: 65536") + expected_body(65'536);
        }
        SUBCASE("chunked")
        {
            how.response = {framing::chunked, 5000};
            const auto text = expected_body(5000);
            expected = response_head("Transfer-Encoding: chunked") + "1000\r\n" +
                       text.substr(0, 4096) + "\r\n388\r\n" + text.substr(4096) + "\r\n0\r\n\r\n";
        }
        SUBCASE("chunked, nothing but whole chunks")
        {
            how.response = {framing::chunked, 4096};
            expected = response_head("Transfer-Encoding: chunked") + "1000\r\n" +
                       expected_body(4096) + "\r\n0\r\n\r\n";
        }
        SUBCASE("empty")
        {
            how.response = {framing::none, 0};
            expected = response_head("Content-Length: 0");
        }
        SUBCASE("HEAD: no body")
        {
            request = "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n";
            expected = response_head("Content-Length: 65536");
        }
        stage lab(how);
        peer client(lab);
        client.send(request);
        CHECK(client.receive(expected.size()) == expected);
        CHECK(lab.stalled().response_bytes == expected.size());
        CHECK(client.queued() == 0);
        CHECK(origin::state_of(client.fd()) == tcp_state::ESTABLISHED);
        CHECK(lab.server->close_now() == 1);
        CHECK(lab.server->close_now() == 0);
        CHECK(client.wait_for_end() == ending::fin); // everything was read on both sides
    }

    TEST_CASE("idle: reset_now resets")
    {
        stage lab(at(kill_point::idle));
        peer client(lab);
        client.send(get_request);
        (void)client.receive(response_head("Content-Length: 65536").size() + 65'536);
        (void)lab.stalled();
        CHECK(lab.server->reset_now() == 1);
        CHECK(client.wait_for_end() == ending::reset);
        CHECK(lab.server->reset_now() == 0);
    }

    TEST_CASE("idle_peer_closed: a complete response and then the FIN, when the stall is told")
    {
        stage lab(at(kill_point::idle_peer_closed));
        peer client(lab);
        client.send(get_request);
        const auto expected = response_head("Content-Length: 65536") + expected_body(65'536);
        CHECK(client.receive(expected.size()) == expected);
        CHECK(lab.stalled().response_bytes == expected.size());
        CHECK_FALSE(lab.server->has_descriptor(0));
        CHECK(client.wait_for_end() == ending::fin);
        CHECK(origin::state_of(client.fd()) == tcp_state::CLOSE_WAIT);
        CHECK(lab.server->noticed(0) == 0);
        lab.let_go(after_action::answer);
    }

    TEST_CASE("a client that does not read: blocked in the origin's own send counts as a stall")
    {
        auto how = at(kill_point::idle);
        how.response = {framing::length, 32 * mebibyte};
        stage lab(how);
        peer client(lab, 4096);
        client.send(get_request);
        const auto& seen = lab.stalled();
        CHECK(seen.rest_blocked);
        const auto total = response_head("Content-Length: 33554432").size() + 32 * mebibyte;
        CHECK(seen.response_bytes < total);
        CHECK(client.queued() > 0);
        SUBCASE("it goes on when the client reads")
        {
            CHECK(client.receive(total).size() == total);
            run_until(lab.io, [&] { return !lab.first().rest_blocked; });
            CHECK(lab.first().response_bytes == total);
            const auto again = finish(lab.io, lab.server->stall(1ms)); // told once
            REQUIRE_FALSE(again.has_value());
            CHECK(again.error() == net::error::timed_out);
        }
        SUBCASE("it can be closed in the middle")
        {
            CHECK(lab.server->reset_now() == 1);
            CHECK(client.wait_for_end() == ending::reset);
        }
        SUBCASE("it notices that the client resets")
        {
            client.close(); // unread bytes
            run_until(lab.io, [&] { return lab.server->noticed(0) != 0; });
            CHECK(lab.server->noticed(0) == ECONNRESET);
        }
    }

    TEST_CASE("every connection walks the same script and is told once, in order")
    {
        stage lab(at(kill_point::await_response));
        peer first(lab);
        peer second(lab);
        second.send(get_request);
        const auto one = lab.stall();
        first.send(get_request);
        const auto other = lab.stall();
        REQUIRE(one.has_value());
        REQUIRE(other.has_value());
        CHECK(*one == 1);
        CHECK(*other == 0);
        CHECK(lab.server->connections().size() == 2);
        CHECK(lab.server->close_now() == 2);
    }
}

TEST_SUITE("probe/origin/server notices")
{
    TEST_CASE("a FIN, without reading")
    {
        stage lab(at(kill_point::await_response));
        peer client(lab);
        client.send(get_request);
        (void)lab.stalled();
        CHECK(lab.server->noticed(0) == 0);
        client.close();
        run_until(lab.io, [&] { return lab.server->noticed(0) != 0; });
        CHECK(lab.server->noticed(0) == origin::server::saw_fin);
    }

    TEST_CASE("a FIN behind bytes that the origin has not read")
    {
        stage lab(at(kill_point::connected));
        peer client(lab);
        client.send(get_request);
        (void)lab.stalled();
        client.close();
        run_until(lab.io, [&] { return lab.server->noticed(0) != 0; });
        CHECK(lab.server->noticed(0) == origin::server::saw_fin);
    }

    TEST_CASE("a reset, again and again, and also after its own close")
    {
        stage lab(at(kill_point::await_response));
        peer client(lab);
        client.send(get_request);
        (void)lab.stalled();
        client.reset();
        run_until(lab.io, [&] { return lab.server->noticed(0) != 0; });
        CHECK(lab.server->noticed(0) == ECONNRESET);
        CHECK(lab.server->noticed(0) == ECONNRESET);
        CHECK(lab.server->has_descriptor(0));
        lab.let_go(after_action::close);
        CHECK(lab.server->noticed(0) == ECONNRESET);
    }
}

TEST_SUITE("probe/origin/server counts")
{
    TEST_CASE("what has come and gone, whether it was read or not, and a FIN as one byte")
    {
        for (const auto point : {kill_point::connected, kill_point::await_response}) {
            CAPTURE(word(point));
            stage lab(at(point));
            peer client(lab);
            client.send(get_request);
            (void)lab.stalled();
            const std::uint64_t sent = get_request.size();
            run_until(lab.io, [&] { return lab.server->traffic_on(0)->received_bytes == sent; });
            auto now = lab.server->traffic_on(0);
            CHECK(now->sent_bytes == 0);
            CHECK_FALSE(now->peer_ended);
            client.close();
            run_until(lab.io, [&] { return lab.server->traffic_on(0)->peer_ended; });
            now = lab.server->traffic_on(0);
            CHECK(now->received_bytes == sent + 1);
            lab.let_go(after_action::close);
            CHECK_FALSE(lab.server->traffic_on(0));
        }
    }

    TEST_CASE("what it has written")
    {
        stage lab(at(kill_point::response_headers));
        peer client(lab);
        client.send(get_request);
        const auto written = lab.stalled().response_bytes;
        CHECK(written > 0);
        run_until(lab.io, [&] { return lab.server->traffic_on(0)->sent_bytes == written; });
        CHECK(lab.server->traffic_on(0)->sent_bytes == written);
    }
}

TEST_SUITE("probe/origin/server is told of an end before the stall")
{
    TEST_CASE("the client goes away half way")
    {
        stage lab(at(kill_point::await_response));
        peer client(lab);
        client.send("GET / HT");
        SUBCASE("FIN")
        {
            client.close();
            const auto index = lab.stall();
            REQUIRE_FALSE(index.has_value());
            CHECK(index.error() == net::error::eof);
        }
        SUBCASE("RST")
        {
            run_until(lab.io, [&] {
                return !lab.server->connections().empty() && lab.first().request_bytes == 8;
            });
            client.reset();
            const auto index = lab.stall();
            REQUIRE_FALSE(index.has_value());
            CHECK(index.error() == net::error::connection_reset);
        }
        CHECK_FALSE(lab.first().stalled);
        CHECK(lab.first().error);
        CHECK(lab.first().request_bytes == 8);
    }

    TEST_CASE("a failed connection does not hide one that is on its way")
    {
        stage lab(at(kill_point::await_response));
        peer good(lab);
        peer bad(lab);
        bad.send("GET");
        run_until(lab.io, [&] { return lab.server->connections().size() == 2; });
        bad.close();
        run_until(lab.io, [&] { return bool(lab.server->connections()[1].error); });
        good.send(get_request);
        const auto index = lab.stall();
        REQUIRE(index.has_value());
        CHECK(*index == 0);
    }

    TEST_CASE("what is no HTTP is noted, and nothing more of it is read")
    {
        struct row
        {
            const char* request;
            const char* fault;
        };
        for (const auto& [request, fault] :
             {row{"\x16\x03\x01 hello\r\n", "control character in the request's lines"},
              row{"HELO\r\n", "no HTTP/1 request line"},
              row{"GET / HTTP/1.1\r\nContent-Length: 5x\r\n\r\n",
                  "malformed or contradictory Content-Length"}}) {
            stage lab(at(kill_point::await_response));
            peer client(lab);
            client.send(request);
            const auto index = lab.stall();
            REQUIRE_FALSE(index.has_value());
            CHECK(index.error() == boost::system::errc::bad_message);
            CHECK(lab.first().fault == fault);
            CHECK(origin::state_of(client.fd()) == tcp_state::ESTABLISHED);
            lab.let_go(after_action::answer);
            CHECK(client.wait_for_end() == ending::fin);
        }
    }

    TEST_CASE("a head without end is bounded")
    {
        stage lab(at(kill_point::await_response));
        peer client(lab);
        client.send("GET / HTTP/1.1\r\nX: ");
        client.send(std::string(200'000, 'x'));
        const auto index = lab.stall();
        REQUIRE_FALSE(index.has_value());
        CHECK(index.error() == boost::system::errc::bad_message);
        CHECK(lab.first().fault.find("64 KiB") != std::string::npos);
        CHECK(lab.first().request_bytes < 128 * 1024);
    }

    TEST_CASE("nobody comes: timed_out")
    {
        stage lab(at(kill_point::await_response));
        const auto index = finish(lab.io, lab.server->stall(1ms));
        REQUIRE_FALSE(index.has_value());
        CHECK(index.error() == net::error::timed_out);
    }

    TEST_CASE("no descriptor left for the connection: EMFILE instead of a busy loop")
    {
        stage lab(at(kill_point::await_response));
        peer client(lab);
        const no_more_descriptors held;
        const auto index = lab.stall();
        REQUIRE_FALSE(index.has_value());
        CHECK(index.error() == boost::system::errc::too_many_files_open);
    }
}

TEST_SUITE("probe/origin/server starts and stops")
{
    TEST_CASE("no descriptor left: EMFILE")
    {
        net::io_context io;
        const net::steady_timer reactor(io); // its own descriptors come first
        const no_more_descriptors held;
        const auto started = origin::server::start(io, at(kill_point::idle), nullptr);
        REQUIRE_FALSE(started.has_value());
        CHECK(started.error() == boost::system::errc::too_many_files_open);
    }

    TEST_CASE("a TLS kill point needs TLS")
    {
        net::io_context io;
        for (const auto point : {kill_point::tls_handshake, kill_point::tls_shutdown}) {
            const auto started = origin::server::start(io, at(point), nullptr);
            REQUIRE_FALSE(started.has_value());
            CHECK(started.error() == boost::system::errc::invalid_argument);
        }
    }

    TEST_CASE("stop ends a stall that is waited for, and every descriptor")
    {
        const auto before = count_sockets();
        {
            net::io_context io;
            auto started = origin::server::start(io, at(kill_point::await_response), nullptr);
            REQUIRE(started.has_value());
            auto& server = **started;
            std::optional<origin::result<std::size_t>> told;
            net::co_spawn(
                io,
                server.stall(patience),
                [&](std::exception_ptr, origin::result<std::size_t> got) { told = got; }
            );
            io.poll();
            REQUIRE_FALSE(told.has_value());
            finish(io, server.stop());
            REQUIRE(told.has_value());
            CHECK(told->error() == net::error::operation_aborted);
            io.restart();
            CHECK(io.run_for(1ms) == 0); // nothing is left that could run
        }
        CHECK(count_sockets().all == before.all);
    }

    TEST_CASE("no descriptor is inherited by a program that is started")
    {
        for (const auto point : {kill_point::connect, kill_point::await_response}) {
            stage lab(at(point));
            peer client(lab);
            if (point != kill_point::connect) {
                client.send(get_request);
                (void)lab.stalled();
            }
            const auto count = count_sockets();
            CHECK(count.all >= 3);
            CHECK(count.without_cloexec == 0);
        }
    }
}

TEST_SUITE("probe/origin/server shared by many clients")
{
    TEST_CASE("each client's stall is told to who asks for it, and a forgotten place is used again")
    {
        stage lab(at(kill_point::await_response));
        for (int round = 0; round < 5; ++round) {
            peer first(lab);
            peer second(lab);
            const auto first_end = kernel::identify(first.fd());
            const auto second_end = kernel::identify(second.fd());
            REQUIRE((first_end && second_end));
            std::optional<origin::result<std::size_t>> early;
            net::co_spawn(
                lab.io,
                lab.server->stall_of(first_end->local, patience),
                [&](std::exception_ptr, origin::result<std::size_t> got) { early = got; }
            );
            second.send(get_request);
            const auto other = finish(lab.io, lab.server->stall_of(second_end->local, patience));
            REQUIRE(other.has_value());
            CHECK_FALSE(early.has_value());
            first.send(get_request);
            run_until(lab.io, [&] { return early.has_value(); });
            REQUIRE(early->has_value());
            const auto& seen = lab.server->connections();
            CHECK(seen.at(**early).id.peer == first_end->local);
            CHECK(seen.at(*other).id.peer == second_end->local);
            CHECK(seen.size() == 2);
            CHECK(lab.server->reset_one(**early) == 1);
            CHECK(first.wait_for_end() == ending::reset);
            CHECK(lab.server->has_descriptor(*other));
            finish(lab.io, lab.server->let_go_one(*other, after_action::answer, patience));
            CHECK(second.receive_all().starts_with("HTTP/1.1 200 OK"));
            lab.server->forget(**early);
            lab.server->forget(*other);
        }
    }

    TEST_CASE("a client that does not stall in time is forgotten")
    {
        stage lab(at(kill_point::await_response));
        peer client(lab);
        const auto end = kernel::identify(client.fd());
        REQUIRE(end.has_value());
        run_until(lab.io, [&] { return lab.server->connections().size() == 1; });
        const auto told = finish(lab.io, lab.server->stall_of(end->local, 1ms));
        REQUIRE_FALSE(told.has_value());
        CHECK(told.error() == net::error::timed_out);
        CHECK(client.wait_for_end() == ending::fin);
    }

    TEST_CASE("a client that goes away is told with its own error")
    {
        stage lab(at(kill_point::await_response));
        peer client(lab);
        const auto end = kernel::identify(client.fd());
        REQUIRE(end.has_value());
        client.send("GET");
        client.close();
        const auto told = finish(lab.io, lab.server->stall_of(end->local, patience));
        REQUIRE_FALSE(told.has_value());
        CHECK(told.error() == net::error::eof);
    }

    TEST_CASE("one that is blocked in its own send can be forgotten")
    {
        auto how = at(kill_point::idle);
        how.response = {framing::length, 32 * mebibyte};
        stage lab(how);
        peer client(lab, 4096);
        const auto end = kernel::identify(client.fd());
        REQUIRE(end.has_value());
        client.send(get_request);
        const auto told = finish(lab.io, lab.server->stall_of(end->local, patience));
        REQUIRE(told.has_value());
        CHECK(lab.server->connections().at(*told).rest_blocked);
        lab.server->forget(*told);
        CHECK(client.wait_for_end() != ending::open);
    }
}
