// Where requests end, in every framing and every cut, and what is wrong with the malformed ones.
#include "probe/origin/request_reader.hpp"

#include <doctest/doctest.h>

using finwait::origin::request_reader;

namespace {

struct good_row
{
    const char* what;
    std::string request;
    std::uint64_t body_bytes;
};

const good_row good_rows[] = {
    {"no body", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 0},
    {"lines that end in LF", "GET / HTTP/1.1\nHost: h\n\n", 0},
    {"empty lines before", "\r\n\r\nGET / HTTP/1.1\r\n\r\n", 0},
    {"length", "POST / HTTP/1.1\r\ncontent-LENGTH:  5 \r\n\r\nhello", 5},
    {"length 0", "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 0},
    {"length said twice", "POST / HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab", 2},
    {"chunked", "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 3},
    {"chunked, extension and trailers",
     "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
     "A;n=v\r\n0123456789\r\n1 \r\nx\r\n0\r\nT: 1\r\nU: 2\r\n\r\n",
     11},
    {"chunked overrides length",
     "POST / HTTP/1.1\r\nContent-Length: 999\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     0},
};

struct bad_row
{
    const char* request;
    const char* fault;
};

const bad_row bad_rows[] = {
    {"GET\r\n", "no HTTP/1 request line"},
    {"GET /\r\n", "no HTTP/1 request line"},
    {"GET / HTTP/2\r\n", "no HTTP/1 request line"},
    {" / HTTP/1.1\r\n", "no HTTP/1 request line"},
    {"GET  HTTP/1.1\r\n", "no HTTP/1 request line"},
    {"PRI * HTTP/2.0\r\n", "no HTTP/1 request line"},
    {"GET / HTTP/1.1\r\nno colon\r\n", "malformed header field"},
    {"GET / HTTP/1.1\r\n: v\r\n", "malformed header field"},
    {"GET / HTTP/1.1\r\nName : v\r\n", "malformed header field"},
    {"GET / HTTP/1.1\r\nA: b\r\n folded\r\n", "malformed header field"},
    {"GET / HTTP/1.1\r\nA: b\x01\r\n", "control character in the request's lines"},
    {"GET / HTTP/1.1\r\nA: b\rc\r\n", "control character in the request's lines"},
    {"GET / HTTP/1.1\r\nContent-Length: -1\r\n", "malformed or contradictory Content-Length"},
    {"GET / HTTP/1.1\r\nContent-Length:\r\n", "malformed or contradictory Content-Length"},
    {"GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n",
     "malformed or contradictory Content-Length"},
    {"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
     "malformed or contradictory Content-Length"},
    {"GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n",
     "transfer encoding that does not end in chunked"},
    {"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "malformed chunk size"},
    {"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", "malformed chunk size"},
    {"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
     "chunk longer than its size line says"},
};

} // namespace

TEST_SUITE("probe/origin/request_reader")
{
    TEST_CASE("finds the end of a request, in one piece and byte by byte")
    {
        for (const auto& row : good_rows) {
            CAPTURE(row.what);
            request_reader whole;
            whole.feed(row.request);
            CHECK(whole.fault() == nullptr);
            CHECK(whole.complete());
            CHECK(whole.body_bytes() == row.body_bytes);
            request_reader bytewise;
            for (std::size_t i = 0; i < row.request.size(); ++i) {
                CHECK_FALSE(bytewise.complete());
                bytewise.feed(std::string_view(row.request).substr(i, 1));
            }
            CHECK(bytewise.complete());
            CHECK(bytewise.head_complete());
            CHECK(bytewise.body_bytes() == row.body_bytes);
        }
    }

    TEST_CASE("says what is wrong with a request, in one piece and byte by byte")
    {
        for (const auto& row : bad_rows) {
            CAPTURE(row.request);
            request_reader whole;
            whole.feed(row.request);
            REQUIRE(whole.fault() != nullptr);
            CHECK(std::string_view(whole.fault()) == row.fault);
            request_reader bytewise;
            for (const char c : std::string_view(row.request))
                bytewise.feed({&c, 1});
            REQUIRE(bytewise.fault() != nullptr);
            CHECK(std::string_view(bytewise.fault()) == row.fault);
            bytewise.feed("GET / HTTP/1.1\r\n\r\n");
            CHECK_FALSE(bytewise.complete());
        }
    }

    TEST_CASE("bounds the head, the trailers and a size line")
    {
        const std::string long_text(request_reader::longest_head_bytes + 1, 'x');
        const std::string chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        for (const auto& start :
             {std::string("GET / HTTP/1.1\r\nA: "), chunked, chunked + "0\r\nA: "}) {
            request_reader reader;
            reader.feed(start);
            CHECK(reader.fault() == nullptr);
            reader.feed(long_text);
            CHECK(reader.fault() != nullptr);
        }
    }

    TEST_CASE("a long body of many chunks is not bounded by that")
    {
        request_reader reader;
        reader.feed("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < 20'000; ++i)
            reader.feed("1\r\nx\r\n");
        reader.feed("0\r\n\r\n");
        CHECK(reader.complete());
        CHECK(reader.body_bytes() == 20'000);
    }

    TEST_CASE("knows HEAD and Expect")
    {
        request_reader head;
        head.feed("HEAD / HTTP/1.1\r\nExpect: 100-Continue\r\n\r\n");
        CHECK(head.is_head());
        CHECK(head.expects_continue());
        request_reader other;
        other.feed("GET / HTTP/1.1\r\nExpect: something\r\n\r\n");
        CHECK_FALSE(other.is_head());
        CHECK_FALSE(other.expects_continue());
    }

    TEST_CASE("the announced length, absent when chunked")
    {
        request_reader length;
        length.feed("POST / HTTP/1.1\r\nContent-Length: 7\r\n\r\n");
        CHECK(length.announced_bytes() == 7);
        request_reader chunked;
        chunked.feed("POST / HTTP/1.1\r\nContent-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n");
        CHECK_FALSE(chunked.announced_bytes().has_value());
    }

    TEST_CASE("says how much can be read without taking too much of the body")
    {
        request_reader reader;
        CHECK(reader.next_within(100) == 1);
        reader.feed("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
        CHECK(reader.next_within(100) == 1);
        reader.feed("40\r\n");
        CHECK(reader.next_within(100) == 0x40);
        CHECK(reader.next_within(10) == 10);
        CHECK(reader.next_within(0) == 1);
        reader.feed(std::string(0x40, 'x'));
        CHECK(reader.next_within(100) == 1);
    }
}
