// A second opinion: what sock_diag says here against what ss(8) says of the same sockets.
#include "tests/support/socket_pair.hpp"

#include <doctest/doctest.h>

#include <cinttypes>
#include <map>
#include <memory>
#include <sstream>

using namespace finwait;
using namespace finwait::test;

namespace {

struct close_pipe
{
    void operator()(FILE* stream) const { pclose(stream); }
};

std::string output_of(const char* command)
{
    const std::unique_ptr<FILE, close_pipe> stream(popen(command, "re"));
    must(static_cast<bool>(stream), "popen");
    std::string text;
    char block[4096];
    while (const std::size_t size = fread(block, 1, sizeof block, stream.get()))
        text.append(block, size);
    return text;
}

/// One line of `ss -taneoH`.
struct ss_line
{
    std::string state;
    std::string local;
    std::string peer;
    std::string rest; ///< timer:(…) uid:… ino:… sk:…
};

/// What ss lists, by cookie (`sk:`, hexadecimal).
std::map<std::uint64_t, ss_line> listed_by_ss()
{
    std::map<std::uint64_t, ss_line> found;
    std::istringstream lines(output_of("ss -taneoH"));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        ss_line one;
        std::string queue;
        words >> one.state >> queue >> queue >> one.local >> one.peer;
        std::getline(words, one.rest);
        const auto cookie = one.rest.find(" sk:");
        if (cookie != std::string::npos)
            found[std::strtoull(one.rest.c_str() + cookie + 4, nullptr, 16)] = one;
    }
    return found;
}

/// ss's word for a state.
std::string ss_word(tcp_state state)
{
    switch (state) {
    case tcp_state::ESTABLISHED:
        return "ESTAB";
    case tcp_state::SYN_SENT:
        return "SYN-SENT";
    case tcp_state::FIN_WAIT1:
        return "FIN-WAIT-1";
    case tcp_state::FIN_WAIT2:
        return "FIN-WAIT-2";
    case tcp_state::TIME_WAIT:
        return "TIME-WAIT";
    case tcp_state::CLOSE_WAIT:
        return "CLOSE-WAIT";
    default:
        return std::string(word(state));
    }
}

/// Seven pairs, each with a close of its own; every end's identity.
struct sample
{
    std::vector<socket_pair> pairs = std::vector<socket_pair>(7);

    explicit sample(network& net)
    {
        pairs[1].client.close();
        CHECK(net.becomes(pairs[1].client.id, "FIN_WAIT2 minisock") == "FIN_WAIT2 minisock");
        pairs[2].client.close();
        CHECK(net.becomes(pairs[2].client.id, "FIN_WAIT2 minisock") == "FIN_WAIT2 minisock");
        pairs[2].server.close();
        CHECK(net.becomes(pairs[2].client.id, "TIME_WAIT minisock") == "TIME_WAIT minisock");
        CHECK(shutdown(pairs[3].client.fd.get(), SHUT_WR) == 0);
        CHECK(net.becomes(pairs[3].client.id, "FIN_WAIT2 owned") == "FIN_WAIT2 owned");
        linger_zero(pairs[4].client.fd);
        pairs[4].client.close();
        CHECK(net.becomes(pairs[4].server.id, "CLOSE") == "CLOSE");
        pairs[5].server.write("seven bytes and more");
        CHECK(net.diag.destroy(pairs[6].client.id).has_value());
    }
};

void agree(const socket_view& ours, const ss_line& theirs)
{
    CAPTURE(theirs.local);
    CAPTURE(theirs.rest);
    CHECK(theirs.state == ss_word(ours.state));
    CHECK(theirs.local == to_string(ours.local));
    CHECK(theirs.peer == to_string(ours.peer));
    // A minisocket and an orphan have no inode, and ss then prints none or 0.
    const std::string inode = " ino:" + std::to_string(ours.inode) + " ";
    if (ours.inode != 0)
        CHECK(theirs.rest.find(inode) != std::string::npos);
    CHECK((theirs.rest.find("timer:(timewait,") != std::string::npos) == ours.minisock);
}

} // namespace

TEST_SUITE("kernel/cross_check_ss")
{
    TEST_CASE("ss and sock_diag agree on every end, listed or not")
    {
        if (output_of("command -v ss").empty()) {
            std::fprintf(stderr, "SKIP: no ss (package iproute2): nothing to check against\n");
            std::exit(77);
        }
        network net;
        const sample made(net);
        const auto listed = listed_by_ss();
        REQUIRE_FALSE(listed.empty());
        std::size_t in_both = 0;
        for (const auto& pair : made.pairs)
            for (const socket_id& id : {pair.client.id, pair.server.id}) {
                const auto ours = net.see(id);
                const auto theirs = listed.find(id.cookie);
                REQUIRE(ours.has_value() == (theirs != listed.end()));
                if (!ours)
                    continue;
                ++in_both;
                agree(*ours, theirs->second);
            }
        // 14 ends, of which the closed server of the second pair and both ends of the reset and of
        // the destroyed one are gone.
        CHECK(in_both == 9);
    }
}
