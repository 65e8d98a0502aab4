// What names a socket, and the answers that only look like one. Real kernel, own namespaces.
#include "probe/kernel/diag_message.hpp"
#include "tests/support/socket_pair.hpp"

#include <doctest/doctest.h>

#include <linux/netlink.h>

using namespace finwait;
using namespace finwait::test;

namespace {

endpoint any_v6()
{
    endpoint where;
    where.family = address_family::ipv6;
    return where;
}

endpoint mapped(const endpoint& v4)
{
    endpoint v6 = any_v6();
    v6.address[10] = v6.address[11] = 0xff;
    std::copy_n(v4.address.begin(), 4, v6.address.begin() + 12);
    v6.port = v4.port;
    return v6;
}

/// The netlink socket that a sock_diag has open: the last one made in this process.
int last_netlink_descriptor()
{
    int found = -1;
    for (int fd = 0; fd < 256; ++fd) {
        int domain = 0;
        socklen_t length = sizeof domain;
        if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_NETLINK)
            found = fd;
    }
    return found;
}

} // namespace

TEST_SUITE("kernel/identity")
{
    TEST_CASE("an owned end is found with its inode, its tuple and its uid")
    {
        network net;
        socket_pair pair;
        const auto seen = net.see(pair.client.id);
        REQUIRE(seen);
        CHECK(seen->state == tcp_state::ESTABLISHED);
        CHECK(seen->cookie == pair.client.id.cookie);
        CHECK(seen->local == pair.client.id.local);
        CHECK(seen->peer == pair.at.where);
        CHECK(seen->inode == pair.client.inode);
        CHECK(seen->uid == geteuid());
        CHECK(seen->timer == tcp_timer::none);
        CHECK_FALSE(seen->minisock);
        CHECK(pair.server.id.local == pair.client.id.peer);
        CHECK(pair.server.id.cookie != pair.client.id.cookie);
        CHECK(net.state(pair.server.id) == "ESTABLISHED owned");
    }

    TEST_CASE("a minisocket keeps the cookie of its socket")
    {
        network net;
        endpoint where;
        SUBCASE("IPv4")
        {
            where = loopback(address_family::ipv4, 0);
        }
        SUBCASE("IPv6")
        {
            where = loopback(address_family::ipv6, 0);
        }
        SUBCASE("IPv4-mapped")
        {
            where = mapped(loopback(address_family::ipv4, 0));
        }
        socket_pair pair(where);
        pair.client.close();
        CHECK(net.becomes(pair.client.id, "FIN_WAIT2 minisock") == "FIN_WAIT2 minisock");
        const auto seen = net.see(pair.client.id);
        REQUIRE(seen);
        CHECK(seen->cookie == pair.client.id.cookie);
        CHECK(seen->inode == 0);
        CHECK(seen->timer == tcp_timer::timewait);
        CHECK(seen->expires_ms > 0);
        pair.server.close();
        CHECK(net.becomes(pair.client.id, "TIME_WAIT minisock") == "TIME_WAIT minisock");
    }

    TEST_CASE("what nobody accepted has no inode")
    {
        network net;
        const listener at = listen_at(loopback(address_family::ipv4, 0));
        const end_of_pair client(connect_to(at.where));
        const auto waiting = net.see(opposite(client.id));
        REQUIRE(waiting);
        CHECK(waiting->state == tcp_state::ESTABLISHED);
        CHECK(waiting->inode == 0);
        CHECK_FALSE(waiting->minisock);
        const end_of_pair server(accept_from(at));
        CHECK(server.id.cookie == waiting->cookie);
        CHECK(net.see(server.id)->inode == server.inode);
    }

    TEST_CASE("an IPv4-mapped socket is found by both of its names")
    {
        network net;
        const listener at = listen_at(loopback(address_family::ipv4, 0));
        const end_of_pair client(connect_to(mapped(at.where)));
        const end_of_pair server(accept_from(at));
        CHECK(client.id.local.family == address_family::ipv6);
        socket_id plain = client.id;
        plain.local = server.id.peer;
        plain.peer = server.id.local;
        for (const socket_id& name : {client.id, plain}) {
            const auto seen = net.see(name);
            REQUIRE(seen);
            CHECK(seen->cookie == client.id.cookie);
            CHECK(seen->local == client.id.local);
        }
        // The other end is an IPv4 socket, and answers to the mapped name too.
        CHECK(net.see(server.id)->local.family == address_family::ipv4);
        socket_id odd = opposite(client.id);
        odd.cookie = server.id.cookie;
        CHECK(net.state(odd) == "ESTABLISHED owned");
    }

    TEST_CASE("a listener is no answer to a question after a connection")
    {
        network net;
        socket_pair pair;
        const socket_id nameless = opposite(pair.client.id);
        CHECK(net.state(nameless) == "ESTABLISHED owned");
        linger_zero(pair.server.fd);
        pair.server.close();
        CHECK(net.becomes(nameless, "CLOSE") == "CLOSE");
        CHECK(must(kernel::why_absent(net.diag, pair.server.id), "why") == kernel::absence::gone);
        // The listener itself, by its own cookie and tuple: no connection either.
        CHECK_FALSE(net.see(must(kernel::identify(pair.at.fd.get()), "identify")));
    }

    TEST_CASE("a wrong cookie finds nothing, and the reason is told apart")
    {
        network net;
        socket_pair pair;
        socket_id wrong = pair.client.id;
        wrong.cookie += 1'000'000;
        CHECK_FALSE(net.see(wrong));
        CHECK(must(kernel::why_absent(net.diag, wrong), "why") == kernel::absence::tuple_reused);
        const auto gone = net.diag.destroy(wrong);
        REQUIRE_FALSE(gone);
        CHECK(gone.error().value() == ENOENT);
        CHECK(net.state(pair.client.id) == "ESTABLISHED owned");
    }

    TEST_CASE("nothing is destroyed without a cookie")
    {
        network net;
        socket_pair pair;
        socket_id any = pair.client.id;
        any.cookie = 0;
        const auto refused = net.diag.destroy(any);
        REQUIRE_FALSE(refused);
        CHECK(refused.error() == boost::system::errc::invalid_argument);
        CHECK(net.state(pair.client.id) == "ESTABLISHED owned");
    }

    TEST_CASE("a socket in SYN_SENT knows whom it asked for")
    {
        network net;
        const listener at = listen_at(loopback(address_family::ipv4, 0), 0);
        const end_of_pair filler(connect_to(at.where));
        unique_fd fd = make_socket(address_family::ipv4);
        nonblocking(fd);
        const socket_address address(at.where);
        CHECK(connect(fd.get(), address.get(), address.length) == -1);
        const end_of_pair waiting(std::move(fd));
        CHECK(waiting.id.peer == at.where);
        CHECK(net.state(waiting.id) == "SYN_SENT owned");
        const end_of_pair idle(make_socket(address_family::ipv4));
        CHECK(idle.id.peer.port == 0);
        CHECK(idle.id.cookie != 0);
    }

    TEST_CASE("many at once are answered in the order of the questions")
    {
        network net;
        const listener at = listen_at(loopback(address_family::ipv4, 0), 256);
        std::vector<end_of_pair> clients;
        std::vector<socket_id> questions;
        for (int i = 0; i < 211; ++i) {
            clients.emplace_back(connect_to(at.where));
            questions.push_back(clients.back().id);
            if (i % 3 == 0)
                questions.back().cookie += 1'000'000; // nobody has it
        }
        SUBCASE("all answers fit into the receive buffer") {}
        SUBCASE("most answers overflow it and are asked for again")
        {
            const int tiny = 1;
            const int fd = last_netlink_descriptor();
            REQUIRE(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &tiny, sizeof tiny) == 0);
        }
        const auto found = must(net.diag.look_up(std::span<const socket_id>(questions)), "batch");
        REQUIRE(found.size() == questions.size());
        for (std::size_t i = 0; i < found.size(); ++i) {
            REQUIRE(found[i].has_value() == (i % 3 != 0));
            if (found[i])
                CHECK(found[i]->cookie == questions[i].cookie);
        }
        // What the batch left in the socket disturbs nobody.
        CHECK(net.see(clients.front().id)->inode == clients.front().inode);
        CHECK(must(net.diag.look_up(std::span<const socket_id>()), "none").empty());
    }

    TEST_CASE("a sock_diag answers for the namespace it was opened in, for ever")
    {
        std::optional<kernel::sock_diag> elsewhere;
        {
            network other;
            elsewhere = must(kernel::sock_diag::open(), "sock_diag");
        }
        network net;
        socket_pair pair;
        CHECK(net.state(pair.client.id) == "ESTABLISHED owned");
        CHECK_FALSE(must(elsewhere->look_up(pair.client.id), "look_up"));
    }

    TEST_CASE("a port is bindable, or the kernel says why not")
    {
        network net;
        socket_pair pair;
        const endpoint port = pair.client.id.local;
        CHECK(kernel::try_bind(port) == EADDRINUSE);
        pair.client.close();
        CHECK(net.becomes(pair.client.id, "FIN_WAIT2 minisock") == "FIN_WAIT2 minisock");
        CHECK(kernel::try_bind(port) == EADDRINUSE);
        pair.server.close();
        CHECK(net.becomes(pair.client.id, "TIME_WAIT minisock") == "TIME_WAIT minisock");
        CHECK(kernel::try_bind(port) == EADDRINUSE);
        CHECK_FALSE(!net.diag.destroy(pair.client.id));
        CHECK(ask_for([&] { return kernel::try_bind(port); }, 0) == 0);
        CHECK(kernel::try_bind(mapped(port)) == 0);
        endpoint foreign = port;
        foreign.address = {192, 0, 2, 1}; // RFC 5737: an address that is not here
        CHECK(kernel::try_bind(foreign) == EADDRNOTAVAIL);
    }

    TEST_CASE("the queues of a descriptor do not count a FIN")
    {
        network net;
        socket_pair pair;
        pair.server.write("seven b");
        CHECK(pair.client.holds_unread(7) == 7);
        CHECK(shutdown(pair.server.fd.get(), SHUT_WR) == 0);
        CHECK(net.becomes(pair.client.id, "CLOSE_WAIT owned") == "CLOSE_WAIT owned");
        CHECK(pair.client.holds_unread(7) == 7);
        CHECK(net.see(pair.client.id)->rqueue == 8); // sock_diag counts it
        CHECK(must(kernel::unsent_bytes(pair.client.fd.get()), "SIOCOUTQ") == 0);
        CHECK(kernel::unread_bytes(-1).error().value() == EBADF);
        const unique_fd no_socket(open("/dev/null", O_RDONLY | O_CLOEXEC));
        CHECK(kernel::inode_of(no_socket.get()).error().value() == ENOTSOCK);
    }
}
