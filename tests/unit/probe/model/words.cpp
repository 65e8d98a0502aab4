// The plain types: words, numbers of the kernel, addresses, what is a finding.
#include "probe/model/audit.hpp"
#include "probe/model/possible.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace finwait;

namespace {

template <class Enum>
void check_words()
{
    std::set<std::string_view> seen;
    for (const Enum each : all_of<Enum>()) {
        CAPTURE(word(each));
        CHECK_FALSE(word(each).empty());
        CHECK(from_word<Enum>(word(each)) == each);
        CHECK(seen.insert(word(each)).second);
    }
    CHECK_FALSE(from_word<Enum>(""));
    CHECK_FALSE(from_word<Enum>("no such word"));
    CHECK_FALSE(words<Enum>::what.empty());
}

} // namespace

TEST_SUITE_BEGIN("probe/model");

TEST_CASE("every enumerator has one word of its own")
{
    check_words<kill_point>();
    check_words<kill_method>();
    check_words<tcp_state>();
    check_words<tcp_timer>();
    check_words<verdict>();
    check_words<framing>();
    check_words<after_action>();
    check_words<signal_target>();
    check_words<address_family>();
    check_words<witness>();
    check_words<outcome>();
    check_words<lab_kind>();
    check_words<scheme>();
    CHECK(word(kill_method::throw_) == "throw");
    CHECK(word(kill_point::tls_shutdown) == "tls_shutdown");
    CHECK(word(kill_method::own) == "own");
    CHECK(word(outcome::void_) == "void");
    CHECK_FALSE(from_word<tcp_state>("established"));
}

TEST_CASE("the kernel's numbers of the states")
{
    // include/net/tcp_states.h
    constexpr std::array<std::string_view, 11> names{
        "ESTABLISHED",
        "SYN_SENT",
        "SYN_RECV",
        "FIN_WAIT1",
        "FIN_WAIT2",
        "TIME_WAIT",
        "CLOSE",
        "CLOSE_WAIT",
        "LAST_ACK",
        "LISTEN",
        "CLOSING"};
    for (unsigned i = 0; i < names.size(); ++i)
        CHECK(word(from_kernel(i + 1)) == names[i]);
    CHECK(from_kernel(12) == tcp_state::SYN_RECV);
    for (const unsigned strange : {0U, 13U, 14U, 4'294'967'295U})
        CHECK(from_kernel(strange) == tcp_state::CLOSE);
}

TEST_CASE("each kill method has its family")
{
    using enum kill_method;
    const auto in = [](std::initializer_list<kill_method> methods, kill_family family) {
        for (const kill_method each : methods)
            CHECK(family_of(each) == family);
    };
    in({throw_, cancel, deadline, close, shutdown_close, reset, abandon, inherit},
       kill_family::client);
    in({sigint, sigterm, sigkill, exit, stop}, kill_family::process);
    in({sock_destroy, peer_close, peer_reset, peer_silent}, kill_family::outside);
    in({cut}, kill_family::network);
    in({own}, kill_family::own);
    for (const kill_method each : all_of<kill_method>())
        CHECK(is_control(each) == (each == abandon || each == inherit));
}

TEST_CASE("the worse verdict wins: leaked, unverified, held, draining, released")
{
    using enum verdict;
    const std::array order{released, draining, held, unverified, leaked};
    for (std::size_t i = 0; i < order.size(); ++i)
        for (std::size_t j = 0; j < order.size(); ++j)
            CHECK(worse(order[i], order[j]) == order[std::max(i, j)]);
}

TEST_CASE("how many bytes of a body have gone")
{
    CHECK(bytes_until_kill({framing::length, 65'536}, 0.5) == 32'768);
    CHECK(bytes_until_kill({framing::length, 65'536}, 0) == 1);
    CHECK(bytes_until_kill({framing::length, 65'536}, 1) == 65'535);
    CHECK(bytes_until_kill({framing::chunked, 2}, 0.5) == 1);
    CHECK(bytes_until_kill({framing::length, 1}, 0.5) == 0);
    CHECK(bytes_until_kill({}, 0.5) == 0);
}

TEST_CASE("what is a finding and what is not")
{
    report seen;
    for (const verdict found : all_of<verdict>())
        for (const bool as_expected : {false, true})
            for (const bool control : {false, true}) {
                seen.verdict = found;
                seen.as_expected = as_expected;
                seen.control = control;
                const bool finding = !control && found != verdict::unverified &&
                                     (found == verdict::leaked || !as_expected);
                CHECK(is_finding(seen) == finding);
                CHECK(is_caught(seen) == (control && found == verdict::leaked));
            }
}

TEST_CASE("addresses are written as in RFC 5952 and read back")
{
    for (const char* text :
         {"127.0.0.1:80",
          "0.0.0.0:0",
          "255.255.255.255:65535",
          "[::1]:443",
          "[::]:0",
          "[::ffff:127.0.0.1]:80",
          "[2001:db8::1]:1",
          "[fe80::1:0:0:1]:2"}) {
        CAPTURE(text);
        endpoint read;
        REQUIRE(parse_endpoint(text, read));
        CHECK(to_string(read) == text);
    }
    CHECK(to_string(loopback(address_family::ipv4, 7)) == "127.0.0.1:7");
    CHECK(to_string(loopback(address_family::ipv6, 7)) == "[::1]:7");
}

TEST_CASE("what is no address is refused and leaves the old one")
{
    const endpoint before = loopback(address_family::ipv4, 9);
    for (const char* text :
         {"",
          ":",
          "127.0.0.1",
          "127.0.0.1:",
          "127.0.0.1:65536",
          "127.0.0.1:-1",
          "127.0.0.1:8x",
          "[::1]",
          "[::1:80",
          "::1:80",
          "[::1]80",
          "localhost:80",
          "1.2.3:4",
          "127.0.0.1:+1",
          "127.0.0.1: 1"}) {
        CAPTURE(text);
        endpoint read = before;
        CHECK_FALSE(parse_endpoint(text, read));
        CHECK(read == before);
    }
}

TEST_SUITE_END();
