// Where a URL leads.
#include "probe/target.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace finwait;

TEST_SUITE("probe/target")
{
    TEST_CASE("an address is taken as it is, a name is to be resolved")
    {
        const auto literal =
            destination_of_url("http://127.0.0.1:8080/a?b=c", address_family::ipv4);
        REQUIRE(literal.has_value());
        CHECK(literal->name.empty());
        CHECK(literal->address.port() == 8080);
        CHECK(literal->host == "127.0.0.1:8080");
        CHECK(literal->path == "/a?b=c");
        CHECK_FALSE(literal->stalls);

        const auto v6 = destination_of_url("https://[::1]/", address_family::ipv6);
        REQUIRE(v6.has_value());
        CHECK(v6->address.port() == 443);
        CHECK(v6->address.address().is_v6());

        const auto name = destination_of_url("http://localhost", address_family::ipv4);
        REQUIRE(name.has_value());
        CHECK(name->name == "localhost");
        CHECK(name->path == "/");
        CHECK(name->address.port() == 80);
    }

    TEST_CASE("what cannot be a target is refused with the reason")
    {
        struct bad
        {
            const char* url;
            const char* says;
        };
        for (const auto& each : {
                 bad{"nonsense", "no URL"},
                 bad{"ftp://127.0.0.1/", "neither http nor https"},
                 bad{"http://user:secret@127.0.0.1/", "user info"},
                 bad{"http:///path", "no host"},
                 bad{"https://./", "no host"},
                 bad{"https://localhost%00.x/", "no host"},
                 bad{"http://127.0.0.1:99999/", "between 1 and 65535"},
                 bad{"http://127.0.0.1:0/", "between 1 and 65535"},
                 bad{"http://[::1]/", "other family"},
             }) {
            CAPTURE(each.url);
            const auto refused = destination_of_url(each.url, address_family::ipv4);
            REQUIRE(refused.has_error());
            CHECK(refused.error().message().find(each.says) != std::string::npos);
        }
    }
}
