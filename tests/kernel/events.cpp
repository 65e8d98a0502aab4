// The destroy multicast: when the kernel tells, when it does not, and what a lost event looks like.
#include "probe/kernel/destroy_events.hpp"
#include "tests/support/socket_pair.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include <poll.h>

using namespace finwait;
using namespace finwait::test;

namespace {

/// Everything a membership has brought so far.
class watcher
{
public:
    explicit watcher(int buffer_bytes = 1 << 20)
        : events_(must(kernel::destroy_events::open(buffer_bytes), "destroy_events"))
    {
    }

    bool told(const socket_id& which)
    {
        auto news = must(events_.receive(), "receive");
        overrun = overrun || news.overrun;
        cookies.insert(cookies.end(), news.cookies.begin(), news.cookies.end());
        return std::find(cookies.begin(), cookies.end(), which.cookie) != cookies.end();
    }

    bool tells(const socket_id& which)
    {
        return ask_for([&] { return told(which); }, true);
    }

    /// Whether something can be read without waiting.
    bool readable() const
    {
        pollfd one{events_.fd(), POLLIN, 0};
        return poll(&one, 1, 0) == 1;
    }

    std::vector<std::uint64_t> cookies;
    bool overrun = false;

private:
    kernel::destroy_events events_;
};

/// Destroys one more socket and waits for its event: whatever was to be told before is there then.
void let_events_arrive(watcher& watch)
{
    for (int i = 0; i < 3; ++i) {
        socket_pair sentinel;
        linger_zero(sentinel.client.fd);
        sentinel.client.close();
        CHECK(watch.tells(sentinel.client.id));
    }
}

} // namespace

TEST_SUITE("kernel/events")
{
    TEST_CASE("a reset close is told of at once, an orderly one when its FIN is acknowledged")
    {
        network net;
        watcher watch;
        endpoint where = loopback(address_family::ipv4, 0);
        SUBCASE("IPv4") {}
        SUBCASE("IPv6")
        {
            where = loopback(address_family::ipv6, 0);
        }
        socket_pair reset(where);
        CHECK_FALSE(watch.readable());
        linger_zero(reset.client.fd);
        reset.client.close();
        CHECK(watch.tells(reset.client.id));
        CHECK(net.state(reset.client.id) == "CLOSE");

        socket_pair orderly(where);
        orderly.client.close();
        CHECK(watch.tells(orderly.client.id));
        // The full socket is gone, its minisocket waits: an event is not the end.
        CHECK(net.state(orderly.client.id) == "FIN_WAIT2 minisock");
        orderly.server.close();
        CHECK(watch.tells(orderly.server.id));
        CHECK(net.state(orderly.server.id) == "CLOSE");
        CHECK_FALSE(watch.overrun);
    }

    TEST_CASE("the end of a minisocket is not told")
    {
        network net;
        net.set("tcp_fin_timeout", "1");
        watcher watch;
        socket_pair pair;
        pair.client.close();
        CHECK(watch.tells(pair.client.id));
        watch.cookies.clear();
        CHECK(net.becomes(pair.client.id, "CLOSE") == "CLOSE");
        let_events_arrive(watch);
        CHECK_FALSE(watch.told(pair.client.id));
    }

    TEST_CASE("a connection that is dead while its descriptor is open is not told until close")
    {
        network net;
        watcher watch;
        socket_pair pair;
        SUBCASE("reset by its peer")
        {
            linger_zero(pair.server.fd);
            pair.server.close();
        }
        SUBCASE("SOCK_DESTROY")
        {
            CHECK(net.diag.destroy(pair.client.id).has_value());
        }
        SUBCASE("orderly at both ends, already in TIME_WAIT")
        {
            CHECK(shutdown(pair.client.fd.get(), SHUT_WR) == 0);
            CHECK(net.becomes(pair.client.id, "FIN_WAIT2 owned") == "FIN_WAIT2 owned");
            pair.server.close();
            CHECK(net.becomes(pair.client.id, "TIME_WAIT minisock") == "TIME_WAIT minisock");
        }
        let_events_arrive(watch);
        CHECK_FALSE(watch.told(pair.client.id));
        pair.client.close();
        CHECK(watch.tells(pair.client.id));
    }

    TEST_CASE("a socket that never was connected and one nobody accepted are told of")
    {
        network net;
        watcher watch;
        listener at = listen_at(loopback(address_family::ipv4, 0));
        end_of_pair idle(make_socket(address_family::ipv4));
        idle.close();
        CHECK(watch.tells(idle.id));
        const end_of_pair client(connect_to(at.where));
        const auto waiting = net.see(opposite(client.id));
        REQUIRE(waiting);
        at.fd.reset();
        CHECK(watch.tells({waiting->cookie, {}, {}}));
    }

    TEST_CASE("an overrun is flagged, once, and the look-up still answers")
    {
        network net;
        watcher watch(1); // the kernel rounds up to its least
        watcher witness;  // with room for all: tells when the kernel has told everybody
        const listener at = listen_at(loopback(address_family::ipv4, 0), 256);
        std::vector<end_of_pair> clients;
        for (int i = 0; i < 211; ++i)
            clients.emplace_back(connect_to(at.where));
        for (auto& client : clients) {
            linger_zero(client.fd);
            client.close();
        }
        for (const auto& client : clients)
            CHECK(witness.tells(client.id));
        CHECK_FALSE(witness.overrun);

        (void)watch.told({});
        CHECK(watch.overrun);
        CHECK(watch.cookies.size() < clients.size());
        for (const auto& client : clients)
            CHECK(net.becomes(client.id, "CLOSE") == "CLOSE");

        // The membership goes on, and an overrun that was said is over.
        watch.overrun = false;
        socket_pair next;
        linger_zero(next.client.fd);
        next.client.close();
        CHECK(watch.tells(next.client.id));
        CHECK_FALSE(watch.overrun);
    }

    TEST_CASE("events of another namespace are not ours")
    {
        std::optional<watcher> elsewhere;
        {
            network other;
            elsewhere.emplace();
        }
        network net;
        watcher here;
        socket_pair pair;
        linger_zero(pair.client.fd);
        pair.client.close();
        CHECK(here.tells(pair.client.id));
        CHECK_FALSE(elsewhere->told(pair.client.id));
        CHECK(elsewhere->cookies.empty());
    }
}
