// Reading resolv.conf as the resolver does.
#include "probe/lab/resolv_conf.hpp"

#include <doctest/doctest.h>

#include <string>

using finwait::lab::parse_nameservers;

namespace {

/// The addresses in one line, so that a row of the table shows what came out.
std::string found_in(std::string_view text)
{
    std::string all;
    for (const auto& where : parse_nameservers(text))
        all += (all.empty() ? "" : " ") + to_string(where);
    return all;
}

} // namespace

TEST_SUITE("probe/lab/resolv_conf")
{
    TEST_CASE("nameservers come out in their order, with the port of DNS")
    {
        const struct
        {
            const char* why;
            const char* text;
            const char* expected;
        } rows[] = {
            {"empty", "", ""},
            {"one", "nameserver 127.0.0.53\n", "127.0.0.53:53"},
            {"no newline at the end", "nameserver 10.0.0.1", "10.0.0.1:53"},
            {"both families", "nameserver ::1\nnameserver 192.0.2.7\n", "[::1]:53 192.0.2.7:53"},
            {"tabs, blanks, carriage returns",
             "nameserver\t 10.0.0.1 \t\r\nnameserver   10.0.0.2\r\n",
             "10.0.0.1:53 10.0.0.2:53"},
            {"other lines",
             "# nameserver 1.1.1.1\n; nameserver 2.2.2.2\nsearch example.org\noptions edns0\n\n"
             "nameserver 10.0.0.1\n",
             "10.0.0.1:53"},
            {"a comment behind it", "nameserver 10.0.0.1 # the router\n", "10.0.0.1:53"},
            {"the keyword starts the line", " nameserver 10.0.0.1\n", ""},
            {"the keyword is a whole word", "nameservers 10.0.0.1\nnameserver10.0.0.2\n", ""},
            {"no address", "nameserver\nnameserver router.example\nnameserver 10.0.0.256\n", ""},
            {"three at most",
             "nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4\n",
             "10.0.0.1:53 10.0.0.2:53 10.0.0.3:53"},
            {"no address does not count among the three",
             "nameserver x\nnameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n",
             "10.0.0.1:53 10.0.0.2:53 10.0.0.3:53"},
            {"one with a scope counts, and is left out",
             "nameserver fe80::1%eth0\nnameserver 10.0.0.1\nnameserver 10.0.0.2\n"
             "nameserver 10.0.0.3\n",
             "10.0.0.1:53 10.0.0.2:53"}};
        for (const auto& row : rows) {
            CAPTURE(row.why);
            CHECK(found_in(row.text) == row.expected);
        }
    }
}
