// The nameserver that withholds its answers, asked over real UDP sockets.
#include "probe/origin/nameserver.hpp"
#include "tests/kernel/origin_peer.hpp"

using namespace finwait;
using namespace finwait::test;

namespace {

/// A query as a stub resolver makes it: RD set, one question, class IN.
std::string query(std::string_view name, char type, char id)
{
    std::string packet{'\x12', id, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
    while (!name.empty()) {
        const auto label = name.substr(0, name.find('.'));
        packet += static_cast<char>(label.size());
        packet += label;
        name.remove_prefix(std::min(name.size(), label.size() + 1));
    }
    return packet + std::string{0, 0, type, 0, 1};
}

constexpr char a = 1;
constexpr char aaaa = 28;

struct resolver
{
    resolver(net::io_context& io, const endpoint& server) : loop(io)
    {
        const auto to = kernel::to_socket_address(server);
        fd.reset(::socket(to.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        REQUIRE(fd);
        REQUIRE(::connect(fd.get(), to.get(), to.size) == 0);
    }

    void ask(const std::string& packet)
    {
        REQUIRE(::send(fd.get(), packet.data(), packet.size(), 0) > 0);
    }

    /// What is there; empty when nothing is.
    std::string answer_now()
    {
        std::string packet(1024, '\0');
        const auto got = ::recv(fd.get(), packet.data(), packet.size(), 0);
        packet.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        return packet;
    }

    std::string answer()
    {
        std::string got;
        run_until(loop, [&] {
            got = answer_now();
            return !got.empty();
        });
        return got;
    }

    net::io_context& loop;
    kernel::unique_fd fd;
};

struct named
{
    explicit named(address_family family = address_family::ipv4)
    {
        auto started = origin::nameserver::start(io, loopback(family, 0));
        REQUIRE_MESSAGE(started.has_value(), started.error().message());
        server = std::move(*started);
    }

    bool queried(const std::string& name, std::chrono::milliseconds limit = patience)
    {
        const auto asked = finish(io, server->queried(name, limit));
        if (!asked)
            CHECK(asked.error() == net::error::timed_out);
        return asked.has_value();
    }

    net::io_context io;
    std::unique_ptr<origin::nameserver> server;
};

void check_nxdomain(const std::string& answer, const std::string& asked)
{
    REQUIRE(answer.size() == asked.size());
    CHECK(answer.substr(0, 2) == asked.substr(0, 2));
    CHECK(answer.substr(2, 2) == "\x81\x83"); // QR RD, RA NXDOMAIN
    CHECK(answer.substr(4, 8) == std::string("\0\1\0\0\0\0\0\0", 8));
    CHECK(answer.substr(12) == asked.substr(12));
}

} // namespace

TEST_SUITE("probe/origin/nameserver")
{
    TEST_CASE("withholds A and AAAA until it is told, then answers both with NXDOMAIN")
    {
        for (const auto family : all_of<address_family>()) {
            named lab(family);
            resolver client(lab.io, lab.server->address());
            const auto first = query("Probe-1.Example", a, 1);
            const auto second = query("probe-1.example", aaaa, 2);
            client.ask(first);
            client.ask(second);
            CHECK(lab.queried("probe-1.example"));
            lab.io.restart();
            lab.io.poll();
            CHECK(client.answer_now().empty());
            lab.server->refuse("probe-1.example");
            check_nxdomain(client.answer(), first); // its own case comes back
            check_nxdomain(client.answer(), second);
        }
    }

    TEST_CASE("answers at once what is asked after the refusal, search domains included")
    {
        named lab;
        resolver client(lab.io, lab.server->address());
        lab.server->refuse("gone.example");
        for (const auto* name : {"gone.example", "gone.example.search.domain"}) {
            const auto asked = query(name, a, 7);
            client.ask(asked);
            check_nxdomain(client.answer(), asked);
        }
        CHECK(lab.queried("gone.example"));
    }

    TEST_CASE("one name's refusal leaves the others waiting")
    {
        named lab;
        resolver client(lab.io, lab.server->address());
        const auto other = query("other.example", a, 1);
        const auto refused = query("refused.example", a, 2);
        client.ask(other);
        client.ask(refused);
        CHECK(lab.queried("other.example"));
        CHECK(lab.queried("refused.example"));
        lab.server->refuse("refused.example");
        lab.server->refuse("other.exam"); // no such label
        check_nxdomain(client.answer(), refused);
        CHECK(client.answer_now().empty());
        CHECK_FALSE(lab.queried("never.example", 1ms));
        lab.server->refuse("other.example");
        check_nxdomain(client.answer(), other);
    }

    TEST_CASE("packets that are no query are passed over")
    {
        named lab;
        resolver client(lab.io, lab.server->address());
        const auto good = query("good.example", a, 1);
        auto answer = good;
        answer[2] = '\x81';
        for (const auto& bad :
             {std::string("x"), answer, good.substr(0, good.size() - 1), std::string(600, '\xff')})
            client.ask(bad);
        client.ask(good);
        CHECK(lab.queried("good.example"));
        lab.server->refuse("good.example");
        check_nxdomain(client.answer(), good);
        CHECK(client.answer_now().empty());
    }

    TEST_CASE("its end ends those who wait, and closes the socket")
    {
        named lab;
        std::optional<origin::result<void>> told;
        net::co_spawn(
            lab.io,
            lab.server->queried("nobody.example", patience),
            [&](std::exception_ptr, origin::result<void> got) { told = got; }
        );
        lab.io.poll();
        lab.server.reset();
        run_until(lab.io, [&] { return told.has_value(); });
        CHECK(told->error() == net::error::operation_aborted);
        lab.io.restart();
        CHECK(lab.io.run_for(1ms) == 0);
    }

    TEST_CASE("an address that is not here, a port that is taken")
    {
        net::io_context io;
        endpoint elsewhere = loopback(address_family::ipv4, 0);
        elsewhere.address = {203, 0, 113, 1}; // RFC 5737
        const auto started = origin::nameserver::start(io, elsewhere);
        REQUIRE_FALSE(started.has_value());
        CHECK(started.error() == boost::system::errc::address_not_available);
        named lab;
        const auto second = origin::nameserver::start(io, lab.server->address());
        REQUIRE_FALSE(second.has_value());
        CHECK(second.error() == boost::system::errc::address_in_use);
    }
}
