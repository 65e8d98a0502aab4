// The rules by which a connection ends with RST, or by SOCK_DESTROY, or without any packet.
// RFC 2525 2.17; RFC 9293 3.6.1; net/ipv4/tcp.c tcp_abort(), tcp_disconnect(), tcp_reset().
#include "tests/support/socket_pair.hpp"
#include "tests/support/tcp_segment.hpp"

#include <doctest/doctest.h>

using namespace finwait;
using namespace finwait::test;

namespace {

/// A client whose SYN a listener with a full accept queue does not answer.
struct unanswered
{
    listener at = listen_at(loopback(address_family::ipv4, 0), 0);
    unique_fd filler = connect_to(at.where);
    end_of_pair client;

    unanswered()
    {
        unique_fd fd = make_socket(address_family::ipv4);
        nonblocking(fd);
        const socket_address address(at.where);
        must(connect(fd.get(), address.get(), address.length) == -1, "still connecting");
        client = end_of_pair(std::move(fd));
    }
};

/// What a RST leaves of an end whose descriptor is open: nothing in any list, all in the
/// descriptor.
void is_a_zombie(network& net, const end_of_pair& end, int error)
{
    CHECK(net.becomes(end.id, "CLOSE") == "CLOSE");
    CHECK(own_state(end.fd) == tcp_state::CLOSE);
    CHECK(pending_error(end.fd) == error);
}

void destroy(network& net, const socket_id& which)
{
    const auto done = net.diag.destroy(which);
    CHECK_MESSAGE(done.has_value(), "SOCK_DESTROY");
}

} // namespace

TEST_SUITE("kernel/resetting")
{
    TEST_CASE("rule 2: closed with unread data, it resets and leaves no TIME_WAIT")
    {
        network net;
        socket_pair pair;
        pair.server.write("hello");
        CHECK(pair.client.holds_unread(5) == 5);
        pair.client.close();
        CHECK(net.becomes(pair.client.id, "CLOSE") == "CLOSE");
        is_a_zombie(net, pair.server, ECONNRESET);
        CHECK(net.counted("TCPAbortOnClose") == 1);
        CHECK(net.counted("EstabResets") == 2);
        CHECK(net.counted("OutRsts") == 1);
        CHECK(net.counted("TCPTimeWaited") == 0);
    }

    TEST_CASE("rule 4: data and FIN unread, it resets out of CLOSE_WAIT and takes the peer's wait")
    {
        network net;
        socket_pair pair;
        pair.server.write("hello");
        pair.server.close();
        CHECK(net.becomes(pair.client.id, "CLOSE_WAIT owned") == "CLOSE_WAIT owned");
        CHECK(net.becomes(pair.server.id, "FIN_WAIT2 minisock") == "FIN_WAIT2 minisock");
        pair.client.close();
        CHECK(net.becomes(pair.client.id, "CLOSE") == "CLOSE");
        CHECK(net.becomes(pair.server.id, "CLOSE") == "CLOSE");
        CHECK(net.counted("TCPAbortOnClose") == 1);
        CHECK(net.counted("EstabResets") == 1);
        CHECK(net.counted("OutRsts") == 1);
    }

    TEST_CASE("rule 5: SO_LINGER 0 resets, and counts as TCPAbortOnData")
    {
        network net;
        socket_pair pair;
        linger_zero(pair.client.fd);
        pair.client.close();
        CHECK(net.becomes(pair.client.id, "CLOSE") == "CLOSE");
        is_a_zombie(net, pair.server, ECONNRESET);
        CHECK(net.counted("TCPAbortOnData") == 1);
        CHECK(net.counted("TCPAbortOnLinger") == 0);
        CHECK(net.counted("EstabResets") == 2);
        CHECK(net.counted("OutRsts") == 1);
        CHECK(net.counted("TCPTimeWaited") == 0);
    }

    TEST_CASE("rule 6: unread data is looked at before SO_LINGER 0")
    {
        network net;
        socket_pair pair;
        pair.server.write("hello");
        CHECK(pair.client.holds_unread(5) == 5);
        linger_zero(pair.client.fd);
        pair.client.close();
        is_a_zombie(net, pair.server, ECONNRESET);
        CHECK(net.counted("TCPAbortOnClose") == 1);
        CHECK(net.counted("TCPAbortOnData") == 0);
    }

    TEST_CASE("rule 8: shutdown, then closed with data unread: first FIN, then RST")
    {
        network net;
        socket_pair pair;
        pair.server.write("hello");
        CHECK(pair.client.holds_unread(5) == 5);
        CHECK(shutdown(pair.client.fd.get(), SHUT_WR) == 0);
        CHECK(net.becomes(pair.client.id, "FIN_WAIT2 owned") == "FIN_WAIT2 owned");
        CHECK(net.state(pair.server.id) == "CLOSE_WAIT owned");
        pair.client.close();
        CHECK(net.becomes(pair.client.id, "CLOSE") == "CLOSE");
        CHECK(net.becomes(pair.server.id, "CLOSE") == "CLOSE");
        CHECK(send(pair.server.fd.get(), "x", 1, MSG_NOSIGNAL) == -1);
        CHECK(errno == EPIPE);
        CHECK(net.counted("TCPAbortOnClose") == 1);
        CHECK(net.counted("EstabResets") == 1);
        CHECK(net.counted("OutRsts") == 1);
        CHECK(net.counted("TCPTimeWaited") == 0);
    }

    TEST_CASE("rule 17: a reset out of CLOSE_WAIT deletes the peer's FIN_WAIT2")
    {
        network net;
        socket_pair pair;
        pair.server.close();
        CHECK(net.becomes(pair.server.id, "FIN_WAIT2 minisock") == "FIN_WAIT2 minisock");
        CHECK(net.state(pair.client.id) == "CLOSE_WAIT owned");
        SUBCASE("SO_LINGER 0")
        {
            linger_zero(pair.client.fd);
            pair.client.close();
            CHECK(net.becomes(pair.server.id, "CLOSE") == "CLOSE");
            CHECK(net.counted("TCPAbortOnData") == 1);
        }
        SUBCASE("SOCK_DESTROY")
        {
            destroy(net, pair.client.id);
            is_a_zombie(net, pair.client, ECONNABORTED);
            CHECK(net.becomes(pair.server.id, "CLOSE") == "CLOSE");
            CHECK(net.aborts() == 0);
        }
        CHECK(net.state(pair.client.id) == "CLOSE");
        CHECK(net.counted("EstabResets") == 1);
        CHECK(net.counted("OutRsts") == 1);
    }

    TEST_CASE("rules 18 and 23: a full accept queue keeps SYN_SENT; its close sends nothing")
    {
        network net;
        unanswered attempt;
        const auto waiting = net.see(attempt.client.id);
        REQUIRE(waiting);
        CHECK(waiting->state == tcp_state::SYN_SENT);
        CHECK(waiting->inode == attempt.client.inode);
        CHECK(waiting->timer == tcp_timer::retransmit);
        CHECK(net.counted("ListenOverflows") >= 1);
        std::int64_t aborted_on_data = 0;
        SUBCASE("close") {}
        SUBCASE("SO_LINGER 0, then close")
        {
            linger_zero(attempt.client.fd);
            aborted_on_data = 1;
        }
        attempt.client.close();
        CHECK(net.becomes(attempt.client.id, "CLOSE") == "CLOSE");
        CHECK(net.counted("OutRsts") == 0);
        CHECK(net.counted("EstabResets") == 0);
        CHECK(net.counted("TCPTimeWaited") == 0);
        CHECK(net.aborts() == aborted_on_data);
        CHECK(net.counted("TCPAbortOnData") == aborted_on_data);
    }

    TEST_CASE("rule 19a: SOCK_DESTROY resets the peer and leaves the descriptor to its owner")
    {
        network net;
        socket_pair pair;
        std::int64_t resets = 2;
        SUBCASE("ESTABLISHED") {}
        SUBCASE("FIN_WAIT2 with its descriptor")
        {
            CHECK(shutdown(pair.client.fd.get(), SHUT_WR) == 0);
            CHECK(net.becomes(pair.client.id, "FIN_WAIT2 owned") == "FIN_WAIT2 owned");
            resets = -1;
        }
        SUBCASE("FIN_WAIT1, a blocked upload")
        {
            // What cannot be sent yet keeps the FIN back.
            std::string block(1 << 20, 'x');
            nonblocking(pair.client.fd);
            while (send(pair.client.fd.get(), block.data(), block.size(), MSG_NOSIGNAL) > 0) {
            }
            CHECK(shutdown(pair.client.fd.get(), SHUT_WR) == 0);
            CHECK(net.state(pair.client.id) == "FIN_WAIT1 owned");
            resets = -1;
        }
        destroy(net, pair.client.id);
        is_a_zombie(net, pair.client, ECONNABORTED);
        CHECK(net.becomes(pair.server.id, "CLOSE") == "CLOSE");
        CHECK(net.counted("OutRsts") == 1);
        CHECK(net.aborts() == 0);
        if (resets >= 0) {
            CHECK(net.counted("EstabResets") == resets);
            CHECK(pending_error(pair.server.fd) == ECONNRESET);
        }
    }

    TEST_CASE("rule 19b: SOCK_DESTROY in SYN_SENT sends nothing")
    {
        network net;
        unanswered attempt;
        destroy(net, attempt.client.id);
        is_a_zombie(net, attempt.client, ECONNABORTED);
        CHECK(net.counted("AttemptFails") == 1);
        CHECK(net.counted("OutRsts") == 0);
    }

    TEST_CASE("rule 19c: SOCK_DESTROY removes a minisocket without telling anybody")
    {
        network net;
        socket_pair pair;
        pair.client.close();
        CHECK(net.becomes(pair.client.id, "FIN_WAIT2 minisock") == "FIN_WAIT2 minisock");
        bool peer_closed = false;
        SUBCASE("FIN_WAIT2") {}
        SUBCASE("TIME_WAIT")
        {
            pair.server.close();
            peer_closed = true;
            CHECK(net.becomes(pair.client.id, "TIME_WAIT minisock") == "TIME_WAIT minisock");
        }
        const auto done = net.diag.destroy(pair.client.id);
        if (!done && done.error().value() == EOPNOTSUPP) {
            MESSAGE("SKIP: this kernel does not destroy minisockets");
            return;
        }
        CHECK(done.has_value());
        CHECK(net.state(pair.client.id) == "CLOSE");
        CHECK(net.state(pair.server.id) == (peer_closed ? "CLOSE" : "CLOSE_WAIT owned"));
        CHECK(net.counted("OutRsts") == 0);
        CHECK(net.counted("EstabResets") == 0);
    }

    TEST_CASE("rule 20: a reset end with its descriptor open is in no list")
    {
        network net;
        socket_pair pair;
        linger_zero(pair.server.fd);
        pair.server.close();
        is_a_zombie(net, pair.client, ECONNRESET);
        CHECK(must(kernel::inode_of(pair.client.fd.get()), "inode") == pair.client.inode);
        CHECK(must(kernel::why_absent(net.diag, pair.client.id), "why") == kernel::absence::gone);
        // Its automatic port is free, though the descriptor is open.
        CHECK(kernel::try_bind(pair.client.id.local) == 0);
    }

    TEST_CASE("rule 21: a peer that closes with its own queue unread resets us")
    {
        network net;
        socket_pair pair;
        pair.client.write("an upload");
        CHECK(pair.server.holds_unread(9) == 9);
        pair.server.close();
        is_a_zombie(net, pair.client, ECONNRESET);
        CHECK(net.state(pair.server.id) == "CLOSE");
        CHECK(net.counted("TCPAbortOnClose") == 1);
        CHECK(net.counted("EstabResets") == 2);
        CHECK(net.counted("OutRsts") == 1);
    }

    TEST_CASE("rule 22: a listener that closes resets what nobody accepted")
    {
        network net;
        listener at = listen_at(loopback(address_family::ipv4, 0));
        const end_of_pair client(connect_to(at.where));
        const socket_id server = opposite(client.id);
        CHECK(net.state(server) == "ESTABLISHED orphan"); // no orphan: inode 0, not accepted yet
        at.fd.reset();
        is_a_zombie(net, client, ECONNRESET);
        CHECK(net.becomes(server, "CLOSE") == "CLOSE");
        CHECK(net.counted("EstabResets") == 2);
        CHECK(net.counted("OutRsts") == 1);
        CHECK(net.aborts() == 0);
    }

    TEST_CASE("rule 34: a RST inside the window ends TIME_WAIT, unless tcp_rfc1337 is set")
    {
        network net;
        std::string_view afterwards = "CLOSE";
        SUBCASE("tcp_rfc1337 0, the default") {}
        SUBCASE("tcp_rfc1337 1")
        {
            net.set("tcp_rfc1337", "1");
            afterwards = "TIME_WAIT minisock";
        }
        socket_pair pair;
        const std::uint32_t expected = next_sequence_to_send(pair.server.fd);
        pair.client.close();
        CHECK(net.becomes(pair.client.id, "FIN_WAIT2 minisock") == "FIN_WAIT2 minisock");
        pair.server.close();
        CHECK(net.becomes(pair.client.id, "TIME_WAIT minisock") == "TIME_WAIT minisock");
        // One beside the window first: nothing may happen. The FIN took one number.
        send_reset(pair.server.id, expected + 1 + 100'000'000);
        CHECK(net.counted("InSegs") > 0);
        CHECK(net.state(pair.client.id) == "TIME_WAIT minisock");
        send_reset(pair.server.id, expected + 1);
        CHECK(net.becomes(pair.client.id, afterwards) == afterwards);
    }
}
