// The bytes of sock_diag(7), made and read without a kernel.
#include "probe/kernel/diag_message.hpp"

#include <doctest/doctest.h>

#include <cstring>

#include <linux/sock_diag.h>
#include <netinet/in.h>

using namespace finwait;
using namespace finwait::kernel;

namespace {

endpoint at(const char* text)
{
    endpoint where;
    REQUIRE(parse_endpoint(text, where));
    return where;
}

/// One message as the kernel would send it.
template <class Payload>
std::vector<std::byte> datagram(std::uint16_t type, std::uint32_t sequence, const Payload& payload)
{
    nlmsghdr header{};
    header.nlmsg_len = sizeof header + sizeof payload;
    header.nlmsg_type = type;
    header.nlmsg_seq = sequence;
    std::vector<std::byte> bytes(header.nlmsg_len);
    std::memcpy(bytes.data(), &header, sizeof header);
    std::memcpy(bytes.data() + sizeof header, &payload, sizeof payload);
    return bytes;
}

/// A socket of that tuple in that kernel state.
inet_diag_msg message(unsigned state, const socket_id& which)
{
    const diag_request request = make_request(diag_verb::look_up, which, 0);
    inet_diag_msg said{};
    said.idiag_family = request.body.sdiag_family;
    said.idiag_state = static_cast<std::uint8_t>(state);
    said.id = request.body.id;
    return said;
}

const socket_id v4{0x0000'0007'0000'1001, {}, {}};

} // namespace

TEST_SUITE("probe/kernel/diag_message")
{
    TEST_CASE("a request carries tuple and cookie as the kernel wants them")
    {
        const socket_id which{0x1122'3344'5566'7788, at("127.0.0.1:258"), at("127.0.0.2:80")};
        const diag_request look = make_request(diag_verb::look_up, which, 17);
        CHECK(look.header.nlmsg_len == sizeof look);
        CHECK(look.header.nlmsg_type == SOCK_DIAG_BY_FAMILY);
        CHECK(look.header.nlmsg_flags == NLM_F_REQUEST);
        CHECK(look.header.nlmsg_seq == 17);
        CHECK(look.body.sdiag_family == AF_INET);
        CHECK(look.body.sdiag_protocol == IPPROTO_TCP);
        CHECK(look.body.id.idiag_sport == htons(258));
        CHECK(look.body.id.idiag_dport == htons(80));
        CHECK(look.body.id.idiag_src[0] == htonl(0x7f000001));
        CHECK(look.body.id.idiag_dst[0] == htonl(0x7f000002));
        CHECK(look.body.id.idiag_src[1] == 0);
        CHECK(look.body.id.idiag_cookie[0] == 0x5566'7788);
        CHECK(look.body.id.idiag_cookie[1] == 0x1122'3344);
        CHECK(cookie_of(look.body.id) == which.cookie);

        const diag_request kill = make_request(diag_verb::destroy, which, 18);
        CHECK(kill.header.nlmsg_type == SOCK_DESTROY);
        CHECK(kill.header.nlmsg_flags == (NLM_F_REQUEST | NLM_F_ACK));
    }

    TEST_CASE("cookie 0 asks for any socket, and IPv6 uses all of the address")
    {
        const diag_request any =
            make_request(diag_verb::look_up, {0, at("[::1]:1"), at("[fd00::2]:2")}, 1);
        CHECK(any.body.sdiag_family == AF_INET6);
        CHECK(any.body.id.idiag_cookie[0] == INET_DIAG_NOCOOKIE);
        CHECK(any.body.id.idiag_cookie[1] == INET_DIAG_NOCOOKIE);
        CHECK(any.body.id.idiag_src[3] == htonl(1));
        CHECK(any.body.id.idiag_dst[0] == htonl(0xfd000000));
        CHECK(any.body.id.idiag_dst[3] == htonl(2));
    }

    TEST_CASE("a description becomes a view, number by number")
    {
        inet_diag_msg said = message(1, {0x1'0000'0002, at("[fd00::1]:99"), at("[fd00::2]:443")});
        said.idiag_timer = 4;
        said.idiag_retrans = 3;
        said.idiag_expires = 204;
        said.idiag_rqueue = 11;
        said.idiag_wqueue = 13;
        said.idiag_uid = 1000;
        said.idiag_inode = 4711;
        const socket_view seen = to_view(said);
        CHECK(seen.state == tcp_state::ESTABLISHED);
        CHECK(seen.cookie == 0x1'0000'0002);
        CHECK(seen.local == at("[fd00::1]:99"));
        CHECK(seen.peer == at("[fd00::2]:443"));
        CHECK(seen.timer == tcp_timer::probe0);
        CHECK(seen.retransmits == 3);
        CHECK(seen.expires_ms == 204);
        CHECK(seen.rqueue == 11);
        CHECK(seen.wqueue == 13);
        CHECK(seen.uid == 1000);
        CHECK(seen.inode == 4711);
        CHECK_FALSE(seen.minisock);
        said.idiag_timer = 5; // of a kernel to come
        CHECK(to_view(said).timer == tcp_timer::none);
    }

    TEST_CASE("a minisocket is timer 3 without inode in one of two states")
    {
        constexpr unsigned fin_wait2 = 5;
        constexpr unsigned time_wait = 6;
        constexpr unsigned close_wait = 8;
        const struct
        {
            unsigned state;
            std::uint8_t timer;
            std::uint32_t inode;
            bool minisock;
        } rows[] = {
            {fin_wait2, 3, 0, true},
            {time_wait, 3, 0, true},
            {fin_wait2, 2, 0, false}, // an orphan with tcp_fin_timeout beyond 60 s
            {fin_wait2, 0, 4711, false},
            {fin_wait2, 3, 4711, false},
            {close_wait, 3, 0, false}};
        for (const auto& row : rows) {
            CAPTURE(row.state);
            inet_diag_msg said = message(row.state, v4);
            said.idiag_timer = row.timer;
            said.idiag_inode = row.inode;
            CHECK(to_view(said).minisock == row.minisock);
        }
    }

    TEST_CASE("an answer that only looks like one is refused")
    {
        const socket_id asked{7, at("127.0.0.1:1000"), at("127.0.0.1:80")};
        socket_view seen = to_view(message(1, asked));
        CHECK(answers(seen, asked));
        SUBCASE("another cookie")
        {
            seen.cookie = 8;
        }
        SUBCASE("another peer port: the listener has none")
        {
            seen.peer.port = 0;
        }
        SUBCASE("another peer address")
        {
            seen.peer = at("127.0.0.2:80");
        }
        SUBCASE("another local port")
        {
            seen.local.port = 1001;
        }
        SUBCASE("a listener, whatever its tuple")
        {
            seen.state = tcp_state::LISTEN;
        }
        SUBCASE("another family")
        {
            seen.local = at("[::1]:1000");
        }
        CHECK_FALSE(answers(seen, asked));
        socket_id any = asked;
        any.cookie = 0;
        CHECK(answers(seen, any) == (seen.cookie == 8));
    }

    TEST_CASE("an IPv4-mapped address stands for its IPv4 address, both ways")
    {
        const socket_id plain{7, at("127.0.0.1:1000"), at("127.0.0.1:80")};
        const socket_id mapped{7, at("[::ffff:127.0.0.1]:1000"), at("[::ffff:127.0.0.1]:80")};
        CHECK(answers(to_view(message(1, mapped)), plain));
        CHECK(answers(to_view(message(1, plain)), mapped));
        const socket_id other{7, at("[::ffff:127.0.0.2]:1000"), at("[::ffff:127.0.0.1]:80")};
        CHECK_FALSE(answers(to_view(message(1, other)), plain));
    }

    TEST_CASE("a datagram is a description, an error, or nothing")
    {
        const auto told = parse_answer(datagram(SOCK_DIAG_BY_FAMILY, 5, message(1, v4)));
        REQUIRE(told);
        CHECK(told->sequence == 5);
        CHECK(told->error == 0);
        REQUIRE(told->socket);
        CHECK(cookie_of(told->socket->id) == v4.cookie);

        nlmsgerr failure{};
        failure.error = -ENOENT;
        const auto missing = parse_answer(datagram(NLMSG_ERROR, 6, failure));
        REQUIRE(missing);
        CHECK(missing->sequence == 6);
        CHECK(missing->error == ENOENT);
        CHECK_FALSE(missing->socket);

        CHECK_FALSE(parse_answer({}));
        CHECK_FALSE(parse_answer(datagram(NLMSG_DONE, 1, failure)));
        auto cut = datagram(SOCK_DIAG_BY_FAMILY, 5, message(1, v4));
        for (const std::size_t size : {cut.size() - 1, sizeof(nlmsghdr), sizeof(nlmsghdr) - 1})
            CHECK_FALSE(parse_answer(std::span(cut).first(size)));
        const std::byte short_payload[8] = {};
        CHECK_FALSE(parse_answer(datagram(SOCK_DIAG_BY_FAMILY, 5, short_payload)));
    }
}
