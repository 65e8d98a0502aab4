// Every kind of address that a target must not lead to, in every disguise.
#include "probe/model/address_policy.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace finwait;

namespace {

endpoint at(const std::string& address)
{
    endpoint where;
    const bool is_v6 = address.find(':') != std::string::npos;
    REQUIRE_MESSAGE(
        parse_endpoint(is_v6 ? "[" + address + "]:80" : address + ":80", where), address
    );
    return where;
}

struct row
{
    const char* address;
    address_class what;
};

} // namespace

TEST_SUITE("probe/model/address_policy")
{
    TEST_CASE("an address is of the class that the registries say, at both ends of each range")
    {
        using enum address_class;
        for (const row& each : {
                 row{"1.1.1.1", global},
                 {"9.255.255.255", global},
                 {"10.0.0.0", private_network},
                 {"10.255.255.255", private_network},
                 {"11.0.0.0", global},
                 {"100.63.255.255", global},
                 {"100.64.0.0", private_network},
                 {"100.127.255.255", private_network},
                 {"100.128.0.0", global},
                 {"100.100.100.200", metadata},
                 {"126.255.255.255", global},
                 {"127.0.0.1", loopback},
                 {"127.255.255.255", loopback},
                 {"128.0.0.0", global},
                 {"169.253.255.255", global},
                 {"169.254.0.0", link_local},
                 {"169.254.169.254", metadata},
                 {"169.254.255.255", link_local},
                 {"172.15.255.255", global},
                 {"172.16.0.0", private_network},
                 {"172.31.255.255", private_network},
                 {"172.32.0.0", global},
                 {"168.63.129.16", metadata},
                 {"168.63.129.17", global},
                 {"192.168.0.0", private_network},
                 {"192.168.255.255", private_network},
                 {"192.0.0.170", reserved},
                 {"192.0.2.1", reserved},
                 {"198.17.255.255", global},
                 {"198.18.0.0", reserved},
                 {"198.19.255.255", reserved},
                 {"198.20.0.0", global},
                 {"198.51.100.7", reserved},
                 {"203.0.113.255", reserved},
                 {"0.0.0.0", reserved},
                 {"0.1.2.3", reserved},
                 {"223.255.255.255", global},
                 {"224.0.0.1", reserved},
                 {"239.255.255.255", reserved},
                 {"240.0.0.1", reserved},
                 {"255.255.255.255", reserved},
                 {"::", reserved},
                 {"::1", loopback},
                 {"fe80::1", link_local},
                 {"febf::1", link_local},
                 {"fec0::1", link_local},
                 {"fc00::1", private_network},
                 {"fdff::1", private_network},
                 {"fd00:ec2::254", metadata},
                 {"fd00:ec2::253", private_network},
                 {"ff02::1", reserved},
                 {"2001:db8::1", reserved},
                 {"100::1", reserved},
                 {"100:0:0:1::1", global},
                 {"2606:4700::1111", global},
                 {"3fff:fff::1", reserved},
                 {"2001:2::1", reserved},
                 {"64:ff9b:1::1", reserved},
             }) {
            CAPTURE(each.address);
            CHECK(class_of(at(each.address)) == each.what);
        }
    }

    TEST_CASE("an IPv4 address inside an IPv6 one counts as what it is")
    {
        using enum address_class;
        for (const row& each : {
                 row{"::ffff:169.254.169.254", metadata},
                 {"::ffff:127.0.0.1", loopback},
                 {"::ffff:10.0.0.1", private_network},
                 {"::ffff:8.8.8.8", global},
                 {"::127.0.0.1", loopback},
                 {"::169.254.169.254", metadata},
                 {"64:ff9b::169.254.169.254", metadata},
                 {"64:ff9b::10.0.0.1", private_network},
                 {"64:ff9b::8.8.8.8", global},
                 {"2002:a9fe:a9fe::1", metadata},
                 {"2002:7f00:1::", loopback},
                 {"2002:808:808::1", global},
                 {"2001:0:1234::5601:5601", metadata}, // Teredo: inverted 169.254.169.254
                 {"2001:0:1234::80ff:fffe", loopback},
                 {"2606::5efe:169.254.169.254", metadata},
                 {"2606::200:5efe:10.0.0.1", private_network},
             }) {
            CAPTURE(each.address);
            CHECK(class_of(at(each.address)) == each.what);
        }
    }

    TEST_CASE("of an address and the one inside it, the stricter class counts")
    {
        using enum address_class;
        for (const row& each : {
                 row{"fd00::5efe:169.254.169.254", metadata},
                 {"fd00::200:5efe:169.254.1.1", link_local},
                 {"fd00::5efe:224.0.0.1", reserved},
                 {"fd00::5efe:127.0.0.1", reserved}, // neither word alone may open it
                 {"fd00::5efe:10.0.0.1", private_network},
                 {"fd00::5efe:8.8.8.8", private_network},
                 {"fe80::5efe:169.254.169.254", metadata},
                 {"fe80::5efe:10.0.0.1", link_local},
                 {"ff02::5efe:10.0.0.1", reserved},
                 {"2001:db8::5efe:169.254.169.254", metadata},
                 {"2001:db8::5efe:8.8.8.8", reserved},
             }) {
            CAPTURE(each.address);
            CHECK(class_of(at(each.address)) == each.what);
        }
        const address_policy inside{.allow_loopback = false, .allow_private = true};
        CHECK_FALSE(permits(inside, class_of(at("fd00::5efe:169.254.169.254"))));
        CHECK(permits(inside, class_of(at("fd00::5efe:10.0.0.1"))));
    }

    TEST_CASE("loopback and private networks are for the configuration to allow, nothing else is")
    {
        for (const bool loopback : {false, true})
            for (const bool private_network : {false, true}) {
                const address_policy policy{
                    .allow_loopback = loopback, .allow_private = private_network};
                CHECK(permits(policy, address_class::global));
                CHECK(permits(policy, address_class::loopback) == loopback);
                CHECK(permits(policy, address_class::private_network) == private_network);
                for (const auto never :
                     {address_class::link_local, address_class::metadata, address_class::reserved})
                    CHECK_FALSE(permits(policy, never));
                CHECK(parse_address_policy(to_string(policy)) == policy);
            }
        for (const char* wrong : {"", "any", "private,loopback", "loopback ", "metadata"})
            CHECK_FALSE(parse_address_policy(wrong));
    }
}
