// What the kernel must show before a kill.
#include "probe/ready.hpp"

#include <doctest/doctest.h>

using namespace finwait;

namespace {

look in(tcp_state state, std::uint32_t rqueue = 0, std::uint32_t wqueue = 0)
{
    look out;
    out.state = state;
    out.owned = true;
    out.rqueue = rqueue;
    out.wqueue = wqueue;
    return out;
}

plan at(kill_point point)
{
    plan out;
    out.at = point;
    return out;
}

const auto established = in(tcp_state::ESTABLISHED);

} // namespace

TEST_SUITE("probe/ready")
{
    TEST_CASE("the client's end has to be in the state it dies in")
    {
        CHECK_FALSE(not_ready(at(kill_point::connect), in(tcp_state::SYN_SENT, 0, 1), std::nullopt)
        );
        CHECK(not_ready(at(kill_point::connect), in(tcp_state::CLOSE), std::nullopt));
        CHECK(not_ready(at(kill_point::connect), established, std::nullopt));
        CHECK_FALSE(not_ready(at(kill_point::idle), established, established));
        CHECK(not_ready(at(kill_point::idle), in(tcp_state::CLOSE_WAIT, 1), established));
        const auto fin = in(tcp_state::CLOSE_WAIT, 1);
        CHECK_FALSE(not_ready(at(kill_point::idle_peer_closed), fin, in(tcp_state::FIN_WAIT2)));
        CHECK(not_ready(at(kill_point::idle_peer_closed), established, established));
    }

    TEST_CASE("nothing may lie unread, unless the plan leaves it there")
    {
        const auto unread = in(tcp_state::ESTABLISHED, 100);
        auto what = at(kill_point::response_body);
        CHECK(not_ready(what, unread, established));
        CHECK_FALSE(not_ready(what, established, established));
        what.unread = true;
        CHECK_FALSE(not_ready(what, unread, established));
        CHECK(not_ready(what, established, established));
    }

    TEST_CASE("session tickets lie unread while a TLS client sends")
    {
        auto what = at(kill_point::request_headers);
        what.tls = true;
        CHECK(not_ready(what, established, established));
        CHECK_FALSE(not_ready(what, in(tcp_state::ESTABLISHED, 510), established));
        what.at = kill_point::await_response;
        CHECK(not_ready(what, in(tcp_state::ESTABLISHED, 510), established));
        what.at = kill_point::connected;
        CHECK_FALSE(not_ready(what, established, established));
    }

    TEST_CASE("what is still on its way from the origin is waited for")
    {
        const auto sending = in(tcp_state::ESTABLISHED, 0, 20);
        CHECK(not_ready(at(kill_point::response_headers), established, sending));
        CHECK_FALSE(not_ready(at(kill_point::await_response), established, sending));
        CHECK_FALSE(not_ready(at(kill_point::idle), established, sending));
    }

    TEST_CASE("a blocked upload stands before a closed window")
    {
        auto what = at(kill_point::request_body);
        what.blocked = true;
        auto blocked = in(tcp_state::ESTABLISHED, 0, 3'000'000);
        CHECK(not_ready(what, blocked, established));
        blocked.timer = tcp_timer::probe0;
        CHECK_FALSE(not_ready(what, blocked, established));
        blocked.wqueue = 0;
        CHECK(not_ready(what, blocked, established));
    }

    TEST_CASE("a server that is not ours goes on as it likes")
    {
        auto what = at(kill_point::response_body);
        what.target = "http://127.0.0.1/";
        CHECK_FALSE(not_ready(what, in(tcp_state::ESTABLISHED, 100), std::nullopt));
        CHECK(not_ready(what, in(tcp_state::CLOSE), std::nullopt));
    }

    TEST_CASE("a FIN and a SYN are no bytes")
    {
        CHECK(unread_in(in(tcp_state::CLOSE_WAIT, 1)) == 0);
        CHECK(unread_in(in(tcp_state::CLOSE_WAIT, 11)) == 10);
        CHECK(unread_in(in(tcp_state::ESTABLISHED, 11)) == 11);
        CHECK(unsent_in(in(tcp_state::SYN_SENT, 0, 1)) == 0);
        CHECK(unsent_in(in(tcp_state::ESTABLISHED, 0, 7)) == 7);
    }
}
