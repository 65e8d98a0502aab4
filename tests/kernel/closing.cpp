// The rules by which a connection ends with FIN, as the kernel shows them at both ends.
// RFC 9293 3.6; net/ipv4/tcp.c __tcp_close(), tcp_fin(); net/ipv4/tcp_minisocks.c.
#include "tests/support/socket_pair.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace finwait;
using namespace finwait::test;
using std::chrono::steady_clock;

namespace {

/// Writes until both the send queue and the peer's receive window are full. Gives the bytes taken.
std::size_t fill(network& net, const end_of_pair& writer)
{
    const std::vector<char> block(64 * 1024, 'x');
    std::size_t taken = 0;
    nonblocking(writer.fd);
    const auto blocked = [&] {
        ssize_t size = 0;
        while ((size = send(writer.fd.get(), block.data(), block.size(), MSG_NOSIGNAL)) > 0)
            taken += static_cast<std::size_t>(size);
        return net.see(writer.id)->timer == tcp_timer::probe0;
    };
    CHECK(ask_for(blocked, true));
    return taken;
}

std::size_t read_all(const end_of_pair& reader)
{
    std::vector<char> block(256 * 1024);
    std::size_t total = 0;
    for (;;) {
        const ssize_t size = recv(reader.fd.get(), block.data(), block.size(), 0);
        if (size <= 0)
            return total;
        total += static_cast<std::size_t>(size);
    }
}

/// Waits until the minisocket is gone and checks that its timer did not lie: never early.
void outlives_its_timer(network& net, const socket_id& which)
{
    constexpr std::chrono::milliseconds rounding(10); // idiag_expires comes in jiffies
    const auto before = steady_clock::now();
    const auto seen = net.see(which);
    REQUIRE(seen);
    CHECK(net.becomes(which, "CLOSE") == "CLOSE");
    CHECK(steady_clock::now() - before + rounding >= std::chrono::milliseconds(seen->expires_ms));
}

} // namespace

TEST_SUITE("kernel/closing")
{
    TEST_CASE("rule 1: closed with nothing unread, it waits for the peer and then in TIME_WAIT")
    {
        network net;
        socket_pair pair;
        pair.client.close();
        CHECK(net.becomes(pair.client.id, "FIN_WAIT2 minisock") == "FIN_WAIT2 minisock");
        CHECK(net.state(pair.server.id) == "CLOSE_WAIT owned");
        CHECK(net.counted("TCPTimeWaited") == 1); // when the minisocket is made
        pair.server.close();
        CHECK(net.becomes(pair.client.id, "TIME_WAIT minisock") == "TIME_WAIT minisock");
        CHECK(net.becomes(pair.server.id, "CLOSE") == "CLOSE");
        const auto waiting = net.see(pair.client.id);
        REQUIRE(waiting);
        CHECK(waiting->timer == tcp_timer::timewait);
        CHECK(waiting->expires_ms <= 60'000); // TCP_TIMEWAIT_LEN
        CHECK(waiting->expires_ms > 20'000);  // less only if this test was held up for that long
        CHECK(net.counted("TCPTimeWaited") == 1);
        CHECK(net.counted("EstabResets") == 0);
        CHECK(net.counted("OutRsts") == 0);
        CHECK(net.aborts() == 0);
    }

    TEST_CASE("rule 3: a queue that holds only the peer's FIN is no unread data")
    {
        network net;
        socket_pair pair;
        pair.server.close();
        CHECK(net.becomes(pair.client.id, "CLOSE_WAIT owned") == "CLOSE_WAIT owned");
        CHECK(net.see(pair.client.id)->rqueue == 1);
        CHECK(pair.client.holds_unread(0) == 0);
        CHECK(net.becomes(pair.server.id, "FIN_WAIT2 minisock") == "FIN_WAIT2 minisock");
        pair.client.close();
        CHECK(net.becomes(pair.client.id, "CLOSE") == "CLOSE");
        CHECK(net.becomes(pair.server.id, "TIME_WAIT minisock") == "TIME_WAIT minisock");
        CHECK(net.counted("EstabResets") == 0);
        CHECK(net.counted("OutRsts") == 0);
        CHECK(net.counted("TCPTimeWaited") == 1);
    }

    TEST_CASE("rule 7: shutdown first, close later")
    {
        network net;
        socket_pair pair;
        int how = SHUT_WR;
        SUBCASE("SHUT_WR")
        {
            how = SHUT_WR;
        }
        SUBCASE("SHUT_RDWR")
        {
            how = SHUT_RDWR;
        }
        CHECK(shutdown(pair.client.fd.get(), how) == 0);
        CHECK(net.becomes(pair.client.id, "FIN_WAIT2 owned") == "FIN_WAIT2 owned");
        pair.client.close();
        CHECK(net.becomes(pair.client.id, "FIN_WAIT2 minisock") == "FIN_WAIT2 minisock");
        pair.server.close();
        CHECK(net.becomes(pair.client.id, "TIME_WAIT minisock") == "TIME_WAIT minisock");
        CHECK(net.becomes(pair.server.id, "CLOSE") == "CLOSE");
        CHECK(net.counted("TCPTimeWaited") == 1);
        CHECK(net.counted("OutRsts") == 0);
    }

    TEST_CASE("rule 8: shutdown, then drained, then closed is as rule 1")
    {
        network net;
        socket_pair pair;
        pair.server.write("unread");
        CHECK(pair.client.holds_unread(6) == 6);
        CHECK(shutdown(pair.client.fd.get(), SHUT_WR) == 0);
        pair.server.close();
        CHECK(read_all(pair.client) == 6);
        pair.client.close();
        CHECK(net.becomes(pair.client.id, "TIME_WAIT minisock") == "TIME_WAIT minisock");
        CHECK(net.counted("OutRsts") == 0);
    }

    TEST_CASE("rule 9: a peer that never closes is waited for by a minisocket, for a finite time")
    {
        network net;
        std::uint32_t at_most_ms = 0;
        SUBCASE("tcp_fin_timeout 1")
        {
            net.set("tcp_fin_timeout", "1");
            at_most_ms = 1000;
        }
        SUBCASE("TCP_LINGER2 2 on the socket")
        {
            at_most_ms = 2000;
        }
        socket_pair pair;
        if (at_most_ms == 2000)
            set_option(pair.client.fd, IPPROTO_TCP, TCP_LINGER2, 2);
        pair.client.close();
        CHECK(net.becomes(pair.client.id, "FIN_WAIT2 minisock") == "FIN_WAIT2 minisock");
        CHECK(net.see(pair.client.id)->expires_ms <= at_most_ms);
        outlives_its_timer(net, pair.client.id);
        CHECK(net.state(pair.server.id) == "CLOSE_WAIT owned"); // it learns nothing
        CHECK(net.see(pair.server.id)->timer == tcp_timer::none);
        CHECK(net.counted("TWKilled") == 1); // so it counts a wait of 4 s or less
        CHECK(net.counted("TCPTimeWaited") == 0);
        CHECK(net.counted("OutRsts") == 0);
    }

    TEST_CASE("rule 9: a negative TCP_LINGER2 resets instead of waiting")
    {
        network net;
        socket_pair pair;
        set_option(pair.client.fd, IPPROTO_TCP, TCP_LINGER2, -1);
        CHECK(shutdown(pair.client.fd.get(), SHUT_WR) == 0);
        CHECK(net.becomes(pair.client.id, "FIN_WAIT2 owned") == "FIN_WAIT2 owned");
        pair.client.close();
        CHECK(net.becomes(pair.client.id, "CLOSE") == "CLOSE");
        CHECK(net.becomes(pair.server.id, "CLOSE") == "CLOSE");
        CHECK(net.counted("TCPAbortOnLinger") == 1);
        CHECK(net.counted("OutRsts") == 1);
    }

    TEST_CASE("rule 10: beyond 60 s a full orphan waits first, under the keepalive timer")
    {
        network net;
        net.set("tcp_fin_timeout", "61"); // 61 - 60 s as an orphan, then the same as a minisocket
        socket_pair pair;
        pair.client.close();
        CHECK(net.becomes(pair.client.id, "FIN_WAIT2 orphan") == "FIN_WAIT2 orphan");
        const auto orphan = net.see(pair.client.id);
        REQUIRE(orphan);
        CHECK(orphan->timer == tcp_timer::keepalive);
        CHECK_FALSE(orphan->minisock);
        CHECK(orphan->expires_ms <= 1100);
        CHECK(net.becomes(pair.client.id, "FIN_WAIT2 minisock") == "FIN_WAIT2 minisock");
        outlives_its_timer(net, pair.client.id);
        CHECK(net.state(pair.server.id) == "CLOSE_WAIT owned");
    }

    TEST_CASE("rule 11: half closed with its descriptor kept, no timer will ever end it")
    {
        network net;
        socket_pair pair;
        CHECK(shutdown(pair.client.fd.get(), SHUT_WR) == 0);
        CHECK(net.becomes(pair.client.id, "FIN_WAIT2 owned") == "FIN_WAIT2 owned");
        const auto seen = net.see(pair.client.id);
        REQUIRE(seen);
        CHECK(seen->timer == tcp_timer::none);
        CHECK(seen->inode == pair.client.inode);
        CHECK(net.counted("TCPTimeWaited") == 0);
        CHECK(net.state(pair.server.id) == "CLOSE_WAIT owned");
    }

    TEST_CASE("rule 12: a peer that writes after our FIN ends the wait without TIME_WAIT")
    {
        network net;
        socket_pair pair;
        pair.client.close();
        CHECK(net.becomes(pair.client.id, "FIN_WAIT2 minisock") == "FIN_WAIT2 minisock");
        pair.server.write("what it owed"); // succeeds
        CHECK(net.becomes(pair.client.id, "CLOSE") == "CLOSE");
        CHECK(net.becomes(pair.server.id, "CLOSE") == "CLOSE");
        CHECK(own_state(pair.server.fd) == tcp_state::CLOSE);
        CHECK(net.counted("TCPTimeWaited") == 1);
        CHECK(net.counted("EstabResets") == 1);
        CHECK(net.counted("OutRsts") == 1);
        CHECK(net.aborts() == 0);
    }

    TEST_CASE("rule 13: closed behind a full window, everything written is kept and delivered")
    {
        network net;
        socket_pair pair(loopback(address_family::ipv4, 0), 4096);
        const std::size_t written = fill(net, pair.client);
        pair.client.close();
        CHECK(net.becomes(pair.client.id, "FIN_WAIT1 orphan") == "FIN_WAIT1 orphan");
        const auto orphan = net.see(pair.client.id);
        REQUIRE(orphan);
        CHECK(orphan->timer == tcp_timer::probe0);
        CHECK(orphan->wqueue > 100'000);
        CHECK(net.state(pair.server.id) == "ESTABLISHED owned"); // it cannot know
        CHECK(read_all(pair.server) == written);
        pair.server.close();
        CHECK(net.becomes(pair.client.id, "TIME_WAIT minisock") == "TIME_WAIT minisock");
    }

    TEST_CASE("rule 13: nobody reads, and the orphan ends when its probes do")
    {
        network net;
        net.set("tcp_orphan_retries", "1");
        socket_pair pair(loopback(address_family::ipv4, 0), 4096);
        fill(net, pair.client);
        pair.client.close();
        CHECK(net.state(pair.client.id) == "FIN_WAIT1 orphan");
        CHECK(net.becomes(pair.client.id, "CLOSE") == "CLOSE");
        CHECK(net.counted("TCPAbortOnTimeout") == 1);
        CHECK(net.counted("TCPTimeWaited") == 0);
    }

    TEST_CASE("rule 16: the peer closed and we hold: nothing will ever end it")
    {
        network net;
        net.set("tcp_fin_timeout", "1");
        socket_pair pair;
        pair.server.close();
        CHECK(net.becomes(pair.server.id, "FIN_WAIT2 minisock") == "FIN_WAIT2 minisock");
        CHECK(net.becomes(pair.server.id, "CLOSE") == "CLOSE");
        const auto lone = net.see(pair.client.id); // what a leak looks like later on
        REQUIRE(lone);
        CHECK(lone->state == tcp_state::CLOSE_WAIT);
        CHECK(lone->timer == tcp_timer::none);
        CHECK(lone->inode == pair.client.inode);
    }

    TEST_CASE("rule 29: TCP_USER_TIMEOUT ends a blocked upload that nothing else would end")
    {
        network net;
        socket_pair pair(loopback(address_family::ipv4, 0), 4096);
        set_option(pair.client.fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 500U);
        fill(net, pair.client);
        SUBCASE("owned: the descriptor stays, in no list")
        {
            CHECK(net.becomes(pair.client.id, "CLOSE") == "CLOSE");
            CHECK(own_state(pair.client.fd) == tcp_state::CLOSE);
            CHECK(pending_error(pair.client.fd) == ETIMEDOUT);
        }
        SUBCASE("as an orphan")
        {
            pair.client.close();
            CHECK(net.becomes(pair.client.id, "CLOSE") == "CLOSE");
        }
        CHECK(net.counted("TCPAbortOnTimeout") == 1);
        CHECK(net.state(pair.server.id) != "FIN_WAIT1 orphan");
    }

    TEST_CASE("rule 35: with the TIME_WAIT table full, a close goes straight to CLOSE")
    {
        network net;
        net.set("tcp_max_tw_buckets", "1");
        socket_pair first;
        socket_pair second;
        first.client.close();
        CHECK(net.becomes(first.client.id, "FIN_WAIT2 minisock") == "FIN_WAIT2 minisock");
        CHECK(net.counted("TCPTimeWaitOverflow") == 0);
        second.client.close();
        CHECK(net.becomes(second.client.id, "CLOSE") == "CLOSE");
        CHECK(net.counted("TCPTimeWaitOverflow") == 1);
        CHECK(net.counted("TCPTimeWaited") == 1);
        CHECK(net.state(second.server.id) == "CLOSE_WAIT owned");
        second.server.close(); // its FIN meets nobody
        CHECK(net.becomes(second.server.id, "CLOSE") == "CLOSE");
        CHECK(net.counted("OutRsts") == 1);
        CHECK(net.state(first.client.id) == "FIN_WAIT2 minisock");
    }

    TEST_CASE("rule 36: the tuple of a minisocket is taken by a new connection")
    {
        network net;
        const listener at = listen_at(loopback(address_family::ipv4, 0));
        const auto reusable = [&](const endpoint& port) {
            unique_fd fd = make_socket(address_family::ipv4);
            set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1); // both owners must permit it
            const socket_address here(port);
            const socket_address there(at.where);
            must(bind(fd.get(), here.get(), here.length) == 0, "bind");
            must(connect(fd.get(), there.get(), there.length) == 0, "connect");
            return end_of_pair(std::move(fd));
        };
        end_of_pair first = reusable(loopback(address_family::ipv4, 0));
        unique_fd server = accept_from(at);
        first.close();
        CHECK(net.becomes(first.id, "FIN_WAIT2 minisock") == "FIN_WAIT2 minisock");
        SUBCASE("TIME_WAIT")
        {
            server.reset();
            CHECK(net.becomes(first.id, "TIME_WAIT minisock") == "TIME_WAIT minisock");
        }
        SUBCASE("FIN_WAIT2") {}

        const end_of_pair second = reusable(first.id.local);
        CHECK(second.id.local == first.id.local);
        CHECK(second.id.cookie != first.id.cookie);
        CHECK(net.state(second.id) == "ESTABLISHED owned");
        CHECK(net.state(first.id) == "CLOSE");
        CHECK(must(kernel::why_absent(net.diag, first.id), "why") == kernel::absence::tuple_reused);
        CHECK(net.counted("TWRecycled") == 1);
    }
}
