// What is asked of an address before it is connected to.
#include "probe/client/address_check.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <doctest/doctest.h>

#include <exception>

using namespace finwait;
using namespace finwait::client;

namespace {

// Walks to `connected` and gives what ended it; `opened` counts sockets.
error_code walk(const destination& where, int& opened)
{
    net::io_context io;
    setup with;
    with.open = [&](tcp::socket& socket, const tcp::endpoint& peer) {
        ++opened;
        error_code failed;
        socket.open(peer.protocol(), failed);
        return failed;
    };
    plan what{.at = kill_point::await_response};
    exchange client(io.get_executor(), what, where, with);
    net::co_spawn(io, client.go(), [](const std::exception_ptr&) {});
    io.run();
    return client.ended_with();
}

} // namespace

TEST_SUITE("probe/client/address_check")
{
    TEST_CASE("a destination without a policy may lead anywhere")
    {
        const tcp::endpoint local(net::ip::make_address("127.0.0.1"), 80);
        CHECK_FALSE(check_address({}, local));
        destination guarded;
        guarded.may_lead_to = address_policy{};
        const auto refused = check_address(guarded, local);
        REQUIRE(refused);
        CHECK(class_not_permitted(refused) == address_class::loopback);
        CHECK(refused.message().find("loopback") != std::string::npos);
        CHECK(
            refusal_of(refused, local.address()) ==
            "the target led to 127.0.0.1, a loopback address, which its configuration does not "
            "allow"
        );
        guarded.may_lead_to->allow_loopback = true;
        CHECK_FALSE(check_address(guarded, local));
        CHECK_FALSE(class_not_permitted(net::error::connection_refused));
    }

    TEST_CASE("what a name resolved to is refused before there is a socket")
    {
        int opened = 0;
        destination where;
        where.name = "localhost";
        where.host = "localhost";
        where.stalls = false;
        where.may_lead_to = address_policy{.allow_loopback = false, .allow_private = true};
        CHECK(class_not_permitted(walk(where, opened)) == address_class::loopback);
        CHECK(opened == 0);
        where.may_lead_to = address_policy{.allow_loopback = true, .allow_private = false};
        // Port 0 is nobody's: it is tried, and the kernel says no.
        CHECK_FALSE(class_not_permitted(walk(where, opened)));
        CHECK(opened == 1);
    }
}
