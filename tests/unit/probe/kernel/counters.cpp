// Reading the text of netstat and snmp, and what is told of two readings.
#include "probe/kernel/counters.hpp"

#include "probe/kernel/counters_text.hpp"

#include <doctest/doctest.h>

using finwait::counter_deltas;
using finwait::kernel::difference;
using finwait::kernel::parse_counters;

namespace {

counter_deltas parsed(std::string_view text, std::string_view group)
{
    counter_deltas values;
    parse_counters(text, group, values);
    return values;
}

} // namespace

TEST_SUITE("probe/kernel/counters")
{
    TEST_CASE("only the wanted group is read, wherever it stands")
    {
        constexpr std::string_view text = "TcpExt: SyncookiesSent TCPAbortOnClose\n"
                                          "TcpExt: 3 17\n"
                                          "IpExt: InNoRoutes TCPAbortOnClose\n"
                                          "IpExt: 5 99\n";
        CHECK(
            parsed(text, "TcpExt:") ==
            counter_deltas{{"SyncookiesSent", 3}, {"TCPAbortOnClose", 17}}
        );
        CHECK(parsed(text, "IpExt:").at("InNoRoutes") == 5);
        CHECK(parsed(text, "MPTcpExt:").empty());
    }

    TEST_CASE("settings and levels are no counters")
    {
        constexpr std::string_view text =
            "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens CurrEstab OutRsts\n"
            "Tcp: 1 200 120000 -1 7 4 2\n";
        CHECK(parsed(text, "Tcp:") == counter_deltas{{"ActiveOpens", 7}, {"OutRsts", 2}});
    }

    TEST_CASE("TW is called TCPTimeWaited")
    {
        CHECK(
            parsed("TcpExt: TW TWRecycled\nTcpExt: 4 1\n", "TcpExt:") ==
            counter_deltas{{"TCPTimeWaited", 4}, {"TWRecycled", 1}}
        );
    }

    TEST_CASE("what does not fit together is left out")
    {
        CHECK(parsed("", "Tcp:").empty());
        CHECK(parsed("Tcp: OutRsts\n", "Tcp:").empty());
        CHECK(parsed("Tcp: OutRsts\nUdp: 3\n", "Tcp:").empty());
        CHECK(parsed("Tcp: OutRsts InSegs\nTcp: 3\n", "Tcp:") == counter_deltas{{"OutRsts", 3}});
        CHECK(parsed("Tcp: OutRsts\nTcp: 3 4\n", "Tcp:") == counter_deltas{{"OutRsts", 3}});
        CHECK(parsed("Tcp: OutRsts InSegs\nTcp: 3x 4", "Tcp:") == counter_deltas{{"InSegs", 4}});
        CHECK(parsed("Tcp: OutRsts\nTcp: 99999999999999999999\n", "Tcp:").empty()
        ); // beyond 64 bits
    }

    TEST_CASE("a difference names what moved, and what explains even when it did not")
    {
        const counter_deltas before{
            {"ActiveOpens", 10}, {"InSegs", 5}, {"TCPTimeWaited", 3}, {"TCPAbortOnClose", 1}};
        const counter_deltas after{
            {"ActiveOpens", 11},
            {"InSegs", 5},
            {"TCPTimeWaited", 3},
            {"TCPAbortOnClose", 3},
            {"TCPAutoCorking", 2}};
        CHECK(
            difference(before, after) ==
            counter_deltas{
                {"ActiveOpens", 1},
                {"TCPTimeWaited", 0},
                {"TCPAbortOnClose", 2},
                {"TCPAutoCorking", 2}}
        );
    }

    TEST_CASE("every name that explains a verdict stays at zero, and none is invented")
    {
        counter_deltas all;
        for (const char* name :
             {"TCPTimeWaited",
              "TCPAbortOnClose",
              "TCPAbortOnData",
              "TCPAbortOnTimeout",
              "TCPTimeWaitOverflow",
              "EstabResets",
              "OutRsts",
              "AttemptFails"})
            all.emplace(name, 42);
        const counter_deltas moved = difference(all, all);
        CHECK(moved.size() == all.size());
        for (const auto& one : moved)
            CHECK_MESSAGE(one.second == 0, one.first);
        CHECK(difference({}, {}).empty());
        all.erase("TCPAbortOnTimeout");
        CHECK(difference(all, all).count("TCPAbortOnTimeout") == 0);
    }
}
