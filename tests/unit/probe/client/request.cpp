// The built-in client's request, byte by byte.
#include "probe/client/request.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace finwait;
using namespace finwait::client;

namespace {

std::string all_of_body(const body& what, std::uint64_t count)
{
    body_source source(what, count);
    std::string out;
    for (std::string_view piece = source.next(); !piece.empty(); piece = source.next())
        out += piece;
    return out;
}

} // namespace

TEST_SUITE("probe/client/request")
{
    TEST_CASE("the head says how the body is framed")
    {
        plan what;
        what.method = "POST";
        what.request = {framing::length, 10};
        const auto with_length = make_head(what, "localhost:40000", "/");
        CHECK(with_length.starts_with("POST / HTTP/1.1\r\nHost: localhost:40000\r\n"));
        CHECK(with_length.find("Content-Length: 10\r\n") != std::string::npos);
        CHECK(with_length.ends_with("\r\n\r\n"));

        what.request = {framing::chunked, 10};
        const auto chunked = make_head(what, "localhost:40000", "/");
        CHECK(chunked.find("Transfer-Encoding: chunked\r\n") != std::string::npos);
        CHECK(chunked.find("Content-Length") == std::string::npos);

        what.method = "GET";
        what.request = {};
        const auto none = make_head(what, "localhost:40000", "/");
        CHECK(none.find("Content-Length") == std::string::npos);
        CHECK(none.find("Transfer-Encoding") == std::string::npos);
    }

    TEST_CASE("only expect_continue expects")
    {
        plan what;
        what.request = {framing::length, 10};
        CHECK(make_head(what, "a", "/").find("Expect") == std::string::npos);
        what.at = kill_point::expect_continue;
        CHECK(make_head(what, "a", "/").find("Expect: 100-continue\r\n") != std::string::npos);
    }

    TEST_CASE("half a head ends inside a field's name, whatever the host")
    {
        for (const char* method : {"GET", "POST", "DELETE"}) {
            plan what;
            what.method = method;
            const auto near = make_head(what, "a:1", "/").substr(0, half_head_bytes(what));
            const auto far =
                make_head(what, "localhost:65535", "/").substr(0, half_head_bytes(what));
            CHECK(near == far);
            CHECK(near == std::string(method) + " / HTTP/1.1\r\nHo");
        }
    }

    TEST_CASE("a body with a length is its bytes")
    {
        for (const std::uint64_t count : {0U, 1U, 16383U, 16384U, 16385U, 40000U})
            CHECK(all_of_body({framing::length, 40000}, count) == std::string(count, 'f'));
    }

    TEST_CASE("a whole chunked body has chunks of 16 KiB and its last chunk")
    {
        CHECK(all_of_body({framing::chunked, 5}, 5) == "5\r\nfffff\r\n0\r\n\r\n");
        CHECK(all_of_body({framing::chunked, 0}, 0) == "0\r\n\r\n");
        const auto two = all_of_body({framing::chunked, 16385}, 16385);
        CHECK(two == "4000\r\n" + std::string(16384, 'f') + "\r\n1\r\nf\r\n0\r\n\r\n");
    }

    TEST_CASE("a part of a chunked body stops inside a chunk, also at a chunk's last byte")
    {
        CHECK(all_of_body({framing::chunked, 10}, 4) == "a\r\nffff");
        CHECK(
            all_of_body({framing::chunked, 32768}, 16384) == "4000\r\n" + std::string(16384, 'f')
        );
        const auto more = all_of_body({framing::chunked, 32768}, 16385);
        CHECK(more == "4000\r\n" + std::string(16384, 'f') + "\r\n4000\r\nf");
    }
}
