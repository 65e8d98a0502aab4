// Every close rule on its own, as kernel and RFC have it.
#include "probe/judge/close_rules.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace finwait;
using namespace finwait::judge;
using enum tcp_state;
using enum which_end;

namespace {

connection_model established()
{
    return {};
}

connection_model syn_sent()
{
    connection_model model;
    model.client.state = SYN_SENT;
    model.origin = no_side();
    return model;
}

/// The origin has closed: CLOSE_WAIT at the client.
connection_model half_closed()
{
    connection_model model;
    close_side(model, origin);
    return model;
}

connection_model blocked()
{
    connection_model model;
    model.client.unsent = true;
    model.origin.unread = true;
    return model;
}

bool applied(const connection_model& model, why what)
{
    return std::ranges::find(model.applied, what) != model.applied.end();
}

void check(const side& end, tcp_state state, bool owned, bool minisock)
{
    CHECK(word(end.state) == word(state));
    CHECK(end.owned == owned);
    CHECK(end.minisock == minisock);
}

void check_gone(const side& end)
{
    check(end, CLOSE, false, false);
}

void check_dead_with_descriptor(const side& end)
{
    check(end, CLOSE, true, false);
}

} // namespace

TEST_SUITE_BEGIN("probe/judge/close_rules");

TEST_CASE("rules 9 and 1: a close waits in FIN_WAIT2 for the peer's, then in TIME_WAIT")
{
    auto model = established();
    close_side(model, client);
    check(model.client, FIN_WAIT2, false, true);
    check(model.origin, CLOSE_WAIT, true, false);
    CHECK(model.applied == std::vector{why::peer_not_closed});
    close_side(model, origin);
    check(model.client, TIME_WAIT, false, true);
    check_gone(model.origin);
    CHECK(model.applied == std::vector{why::fin_exchange});
}

TEST_CASE("rule 2: a close with unread data is an RST that ends both ends at once")
{
    auto model = established();
    model.client.unread = true;
    close_side(model, client);
    check_gone(model.client);
    check_dead_with_descriptor(model.origin);
    CHECK(model.applied == std::vector{why::reset_unread_data});
}

TEST_CASE("rule 3: the peer's FIN in the queue is not unread data")
{
    auto model = half_closed();
    check(model.client, CLOSE_WAIT, true, false);
    check(model.origin, FIN_WAIT2, false, true);
    close_side(model, client);
    check_gone(model.client);
    check(model.origin, TIME_WAIT, false, true);
    CHECK(model.applied == std::vector{why::closed_passive});
}

TEST_CASE("rule 4: data and FIN unread make an RST out of CLOSE_WAIT, the peer's wait ends too")
{
    auto model = half_closed();
    model.client.unread = true;
    close_side(model, client);
    check_gone(model.client);
    check_gone(model.origin);
    CHECK(model.applied == std::vector{why::unread_after_peer_fin});
}

TEST_CASE("rules 5 and 6: SO_LINGER 0 is an RST, and unread data comes first")
{
    auto model = established();
    SUBCASE("nothing unread")
    {
        reset_side(model, client);
        CHECK(model.applied == std::vector{why::reset_linger});
    }
    SUBCASE("unread data")
    {
        model.client.unread = true;
        reset_side(model, client);
        CHECK(model.applied == std::vector{why::unread_with_linger});
    }
    check_gone(model.client);
    check_dead_with_descriptor(model.origin);
}

TEST_CASE("rule 7: shutdown and close is a close")
{
    auto model = established();
    shutdown_side(model, client);
    check(model.client, FIN_WAIT2, true, false); // rule 11: full, and as long as it has an owner
    close_side(model, client);
    check(model.client, FIN_WAIT2, false, true);
    close_side(model, origin);
    check(model.client, TIME_WAIT, false, true);
    CHECK(applied(model, why::fin_exchange));
    CHECK(applied(model, why::shutdown_first));
}

TEST_CASE("rule 8: shutdown and close with unread data is a FIN and then an RST")
{
    auto model = established();
    model.client.unread = true;
    shutdown_side(model, client);
    check(model.client, FIN_WAIT2, true, false);
    check(model.origin, CLOSE_WAIT, true, false);
    close_side(model, client);
    check_gone(model.client);
    check_dead_with_descriptor(model.origin);
    CHECK(applied(model, why::unread_after_shutdown));
    CHECK_FALSE(applied(model, why::peer_not_closed));
}

TEST_CASE("rule 12: the peer's data after our FIN ends the wait without TIME_WAIT")
{
    auto model = established();
    close_side(model, client);
    write_side(model, origin);
    check_gone(model.client);
    check_dead_with_descriptor(model.origin);
    CHECK(model.applied == std::vector{why::origin_wrote_after_fin});
    close_side(model, origin);
    check_gone(model.origin);
}

TEST_CASE("rule 12 does not concern an end that somebody still owns")
{
    auto model = established();
    shutdown_side(model, client);
    write_side(model, origin);
    check(model.client, FIN_WAIT2, true, false);
    CHECK(model.client.unread);
}

TEST_CASE("rule 13: behind a closed window the FIN waits, and the data is delivered after all")
{
    auto model = blocked();
    close_side(model, client);
    check(model.client, FIN_WAIT1, false, false);
    check(model.origin, ESTABLISHED, true, false);
    CHECK(model.applied == std::vector{why::undelivered_fin});
    read_side(model, origin);
    check(model.client, FIN_WAIT2, false, true);
    check(model.origin, CLOSE_WAIT, true, false);
    close_side(model, origin);
    check(model.client, TIME_WAIT, false, true);
    CHECK(model.applied == std::vector{why::fin_exchange});
}

TEST_CASE("rule 15: a simultaneous close leaves TIME_WAIT at both ends")
{
    auto model = established();
    close_both(model);
    check(model.client, TIME_WAIT, false, true);
    check(model.origin, TIME_WAIT, false, true);
    CHECK(model.applied == std::vector{why::simultaneous_close});
}

TEST_CASE("rule 15 by a kept back FIN: CLOSING until the window opens")
{
    auto model = blocked();
    model.origin.unread = false; // it has read, but not yet opened its window
    close_side(model, client);
    close_side(model, origin);
    check(model.client, CLOSING, false, false);
    model.origin.state = FIN_WAIT2;
    read_side(model, origin);
    check(model.client, TIME_WAIT, false, true);
    check(model.origin, TIME_WAIT, false, true);
}

TEST_CASE("rule 16: CLOSE_WAIT with an owner stays")
{
    auto model = half_closed();
    write_side(model, origin); // it has closed and writes no more
    check(model.client, CLOSE_WAIT, true, false);
    CHECK_FALSE(model.client.unread);
}

TEST_CASE("rule 17: an RST out of CLOSE_WAIT deletes the peer's FIN_WAIT2")
{
    auto model = half_closed();
    SUBCASE("by SO_LINGER 0")
    {
        reset_side(model, client);
        check_gone(model.client);
        CHECK(model.applied == std::vector{why::reset_close_wait});
    }
    SUBCASE("by SOCK_DESTROY")
    {
        destroy_side(model, client);
        check_dead_with_descriptor(model.client);
        CHECK(model.applied == std::vector{why::sock_destroyed});
    }
    check_gone(model.origin);
}

TEST_CASE("rule 17 from the other side: the origin's RST deletes the client's FIN_WAIT2")
{
    auto model = established();
    close_side(model, client);
    reset_side(model, origin);
    check_gone(model.client);
    check_gone(model.origin);
    CHECK(model.applied == std::vector{why::peer_reset});
}

TEST_CASE("rule 18: whatever closes a SYN_SENT, it is gone at once")
{
    auto model = syn_sent();
    SUBCASE("close")
    {
        close_side(model, client);
    }
    SUBCASE("SO_LINGER 0")
    {
        reset_side(model, client);
    }
    SUBCASE("shutdown and close")
    {
        shutdown_side(model, client);
        check_dead_with_descriptor(model.client);
        close_side(model, client);
    }
    check_gone(model.client);
    check_gone(model.origin);
    CHECK(model.applied == std::vector{why::closed_syn_sent});
}

TEST_CASE("rule 19: SOCK_DESTROY leaves the descriptor")
{
    SUBCASE("a: an established connection is reset")
    {
        auto model = established();
        destroy_side(model, client);
        check_dead_with_descriptor(model.client);
        check_dead_with_descriptor(model.origin);
        close_side(model, client);
        check_gone(model.client);
        CHECK(model.applied == std::vector{why::sock_destroyed});
    }
    SUBCASE("b: a connection attempt ends without a packet")
    {
        auto model = syn_sent();
        destroy_side(model, client);
        check_dead_with_descriptor(model.client);
        CHECK(model.applied == std::vector{why::sock_destroyed_syn_sent});
    }
    SUBCASE("c: a minisock is removed and nothing is sent")
    {
        auto model = established();
        close_side(model, client);
        destroy_side(model, client);
        check_gone(model.client);
        check(model.origin, CLOSE_WAIT, true, false);
    }
    SUBCASE("d: what is gone stays gone")
    {
        auto model = established();
        reset_side(model, client);
        destroy_side(model, client);
        CHECK(model.applied == std::vector{why::reset_linger});
    }
}

TEST_CASE("rule 20: an RST leaves a descriptor without a socket until it is closed")
{
    auto model = established();
    reset_side(model, origin);
    check_dead_with_descriptor(model.client);
    CHECK(model.applied == std::vector{why::peer_reset});
    close_side(model, client);
    check_gone(model.client);
    CHECK(model.applied == std::vector{why::peer_reset});
}

TEST_CASE("rule 21: a peer that closes with its own queue unread resets")
{
    auto model = blocked();
    SUBCASE("a client that lives")
    {
        close_side(model, origin);
        check_dead_with_descriptor(model.client);
    }
    SUBCASE("a client that has closed")
    {
        close_side(model, client);
        close_side(model, origin);
        check_gone(model.client);
    }
    check_gone(model.origin);
    CHECK(model.applied == std::vector{why::origin_reset_unread});
}

TEST_CASE("rule 24: a death is a close")
{
    auto died = established();
    auto closed = established();
    SUBCASE("nothing unread") {}
    SUBCASE("unread data")
    {
        died.client.unread = true;
        closed.client.unread = true;
    }
    process_died(died, client);
    close_side(closed, client);
    CHECK(died.client == closed.client);
    CHECK(died.origin == closed.origin);
    CHECK(applied(died, why::process_ended));
}

TEST_CASE("closing what nobody owns does nothing")
{
    auto model = established();
    close_side(model, client);
    const auto before = model;
    close_side(model, client);
    reset_side(model, client);
    CHECK(model.client == before.client);
    CHECK(model.origin == before.origin);
    CHECK(model.applied == before.applied);
}

TEST_CASE("rule 34: an RST ends a TIME_WAIT")
{
    auto model = established();
    close_both(model);
    model.origin.state = CLOSE_WAIT;
    model.origin.owned = true;
    reset_side(model, origin);
    check_gone(model.client);
}

TEST_CASE("a write to a living end is unread data there, a write to a dead one an RST back")
{
    auto model = established();
    write_side(model, origin);
    CHECK(model.client.unread);
    CHECK(model.applied.empty());
    auto dead = established();
    dead.client = no_side();
    write_side(dead, origin);
    check_dead_with_descriptor(dead.origin);
}

TEST_CASE("every reason has a code, a sentence and a source")
{
    for (auto i = 0; i <= static_cast<int>(why::differs_from_expectation); ++i) {
        const known_reason& known = about(static_cast<why>(i));
        CAPTURE(known.code);
        CHECK_FALSE(known.code.empty());
        CHECK(known.text.size() > 20);
        CHECK(known.text.back() != '.');
        CHECK_FALSE(known.source.empty());
        CHECK(std::ranges::all_of(known.code, [](char c) {
            return (c >= 'a' && c <= 'z') || c == '_' || (c >= '0' && c <= '9');
        }));
    }
}

TEST_CASE("a detail stands in brackets behind the sentence")
{
    CHECK(describe(why::no_look).text == about(why::no_look).text);
    CHECK(describe(why::no_look, "7").text == std::string(about(why::no_look).text) + " (7)");
}

TEST_SUITE_END();
