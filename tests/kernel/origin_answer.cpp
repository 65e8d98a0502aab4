// What an origin does when it is let go: close, answer, reset, stall.
#include "tests/kernel/origin_peer.hpp"

using namespace finwait;
using namespace finwait::test;

namespace {

origin::script at(kill_point point)
{
    origin::script how;
    how.at = point;
    how.response = {framing::length, 1000};
    return how;
}

std::string whole_response()
{
    return response_head("Content-Length: 1000") + expected_body(1000);
}

} // namespace

TEST_SUITE("probe/origin/server lets go")
{
    TEST_CASE("close: a FIN when everything was read, and nothing more is written")
    {
        for (const auto point :
             {kill_point::await_response,
              kill_point::response_headers,
              kill_point::response_body}) {
            stage lab(at(point));
            peer client(lab);
            client.send(get_request);
            const auto written = lab.stalled().response_bytes;
            lab.let_go(after_action::close);
            CHECK(client.receive_all().size() == written);
            CHECK(client.end() == ending::fin);
            CHECK_FALSE(lab.server->has_descriptor(0));
        }
    }

    TEST_CASE("close: an RST when part of the request is unread")
    {
        stage lab(at(kill_point::request_body));
        peer client(lab);
        client.send(length_head(100) + std::string(100, 'x'));
        (void)lab.stalled();
        lab.let_go(after_action::close);
        CHECK(client.wait_for_end() == ending::reset);
    }

    TEST_CASE("reset: an RST although everything was read")
    {
        stage lab(at(kill_point::await_response));
        peer client(lab);
        client.send(get_request);
        (void)lab.stalled();
        lab.let_go(after_action::reset);
        CHECK(client.wait_for_end() == ending::reset);
    }

    TEST_CASE("stall: nothing changes, and others are still accepted")
    {
        stage lab(at(kill_point::await_response));
        peer client(lab);
        client.send(get_request);
        (void)lab.stalled();
        lab.let_go(after_action::stall);
        CHECK(origin::state_of(client.fd()) == tcp_state::ESTABLISHED);
        CHECK(lab.server->has_descriptor(0));
        peer other(lab);
        other.send(get_request);
        (void)lab.stalled();
    }

    TEST_CASE("answer: reads the rest, writes what is owed, closes with a FIN")
    {
        struct row
        {
            kill_point point;
            std::string first;
            std::string rest;
        };
        const row rows[] = {
            {kill_point::connected, get_request, ""},
            {kill_point::request_headers, get_request.substr(0, 20), get_request.substr(20)},
            {kill_point::request_body,
             length_head(100) + std::string(60, 'x'),
             std::string(40, 'x')},
            {kill_point::await_response, get_request, ""},
            {kill_point::response_headers, get_request, ""},
            {kill_point::response_body, get_request, ""},
            {kill_point::idle, get_request, ""},
        };
        for (const auto& row : rows) {
            const auto& [point, first, rest] = row;
            CAPTURE(word(row.point));
            stage lab(at(point));
            peer client(lab);
            client.send(first);
            (void)lab.stalled();
            client.send(rest);
            lab.let_go(after_action::answer);
            CHECK(client.receive_all() == whole_response());
            CHECK(client.end() == ending::fin);
            CHECK(lab.first().request_bytes == first.size() + rest.size());
            CHECK(lab.first().response_bytes == whole_response().size());
        }
    }

    TEST_CASE("answer: an upload that was blocked is read to its end")
    {
        auto how = at(kill_point::request_body);
        how.blocked = true;
        stage lab(how);
        peer client(lab);
        const auto request = length_head(mebibyte) + std::string(mebibyte, 'x');
        std::string_view rest = request;
        rest.remove_prefix(client.send_some(rest));
        (void)lab.stalled();
        bool done = false;
        net::co_spawn(
            lab.io,
            lab.server->let_go(after_action::answer, patience),
            [&](std::exception_ptr) { done = true; }
        );
        client.send(rest);
        CHECK(client.receive_all() == whole_response());
        run_until(lab.io, [&] { return done; });
        CHECK(lab.first().request_bytes == request.size());
    }

    TEST_CASE("answer: the withheld 100 Continue comes first")
    {
        stage lab(at(kill_point::expect_continue));
        peer client(lab);
        client.send(length_head(100, "Expect: 100-continue\r\n"));
        (void)lab.stalled();
        bool done = false;
        net::co_spawn(
            lab.io,
            lab.server->let_go(after_action::answer, patience),
            [&](std::exception_ptr) { done = true; }
        );
        const std::string interim = "HTTP/1.1 100 Continue\r\n\r\n";
        CHECK(client.receive(interim.size()) == interim);
        client.send(std::string(100, 'x'));
        CHECK(client.receive_all() == whole_response());
        run_until(lab.io, [&] { return done; });
    }

    TEST_CASE("answer: half a request that ends gets nothing")
    {
        stage lab(at(kill_point::request_body));
        peer client(lab);
        client.send(length_head(100) + std::string(60, 'x'));
        (void)lab.stalled();
        client.shut_down_sending();
        lab.let_go(after_action::answer);
        CHECK(client.receive_all().empty());
        CHECK(client.end() == ending::fin);
    }

    TEST_CASE("answer: a client that has sent its FIN after a whole request gets its response")
    {
        stage lab(at(kill_point::await_response));
        peer client(lab);
        client.send(get_request);
        (void)lab.stalled();
        client.shut_down_sending();
        lab.let_go(after_action::answer);
        CHECK(client.receive_all() == whole_response());
    }

    TEST_CASE("answer: what came beside the request makes no RST of the close")
    {
        stage lab(at(kill_point::idle));
        peer client(lab);
        client.send(get_request);
        (void)lab.stalled();
        client.send("and more of it");
        lab.let_go(after_action::answer);
        CHECK(client.receive_all() == whole_response());
        CHECK(client.end() == ending::fin);
    }

    TEST_CASE("answer: a connection that has not stalled yet goes on to its end")
    {
        stage lab(at(kill_point::await_response));
        peer client(lab);
        client.send("GET / HT");
        run_until(lab.io, [&] {
            return !lab.server->connections().empty() && lab.first().request_bytes == 8;
        });
        client.send(get_request.substr(8));
        lab.let_go(after_action::answer);
        CHECK(client.receive_all() == whole_response());
    }

    TEST_CASE("answer: a client that never finishes is closed at the limit")
    {
        stage lab(at(kill_point::request_body));
        peer client(lab);
        client.send(length_head(100) + std::string(60, 'x'));
        (void)lab.stalled();
        finish(lab.io, lab.server->let_go(after_action::answer, 1ms));
        CHECK_FALSE(lab.server->has_descriptor(0));
        CHECK(client.receive_all().empty());
        CHECK(client.end() == ending::fin);
    }

    TEST_CASE("let go: nobody is accepted any more")
    {
        stage lab(at(kill_point::idle));
        lab.let_go(after_action::close);
        peer late(lab);
        run_until(lab.io, [&] { return origin::state_of(late.fd()) == tcp_state::CLOSE; });
        const auto index = lab.stall();
        REQUIRE_FALSE(index.has_value());
        CHECK(index.error() == net::error::operation_aborted);
    }
}
