// The bytes of responses in every framing, and where they stop for a kill point.
#include "probe/origin/response_text.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace finwait;
using origin::body_byte;
using origin::request_reader;
using origin::response_text;

namespace {

request_reader request(std::string_view method)
{
    request_reader reader;
    reader.feed(std::string(method) + " / HTTP/1.1\r\n\r\n");
    return reader;
}

/// All of a response, taken in pieces of a size.
std::string taken(const response_text& text, std::uint64_t end, std::size_t piece)
{
    std::string all;
    std::vector<char> out(piece);
    while (all.size() < end) {
        const auto got = text.copy(all.size(), end, out);
        REQUIRE(got > 0);
        all.append(out.data(), got);
    }
    return all;
}

std::string body_text(std::size_t from, std::size_t bytes)
{
    std::string text;
    for (std::size_t i = from; i < from + bytes; ++i)
        text += body_byte(i);
    return text;
}

std::string hex(std::size_t value)
{
    std::string text;
    for (; value > 0; value /= 16)
        text.insert(text.begin(), "0123456789abcdef"[value % 16]);
    return text;
}

/// The same response, put together in the plain way.
std::string plain(const response_text& text, const body& what)
{
    std::string all(text.head());
    if (what.how != framing::chunked)
        return all + body_text(0, what.bytes);
    for (std::size_t at = 0; at < what.bytes; at += 4096) {
        const auto bytes = std::min<std::size_t>(4096, what.bytes - at);
        all += hex(bytes) + "\r\n" + body_text(at, bytes) + "\r\n";
    }
    return all + "0\r\n\r\n";
}

} // namespace

TEST_SUITE("probe/origin/response_text")
{
    TEST_CASE("is the same in pieces of any size")
    {
        for (const auto how : {framing::length, framing::chunked, framing::until_close})
            for (const std::uint64_t bytes :
                 {0U, 1U, 100U, 4095U, 4096U, 4097U, 8191U, 8192U, 12'287U, 20'000U, 50'000U}) {
                CAPTURE(word(how));
                CAPTURE(bytes);
                const body what{how, bytes};
                const response_text text(what);
                const auto expected = plain(text, what);
                REQUIRE(text.size(request("GET")) == expected.size());
                for (const std::size_t piece :
                     {std::size_t{1}, std::size_t{61}, std::size_t{1} << 17})
                    CHECK(taken(text, expected.size(), piece) == expected);
            }
    }

    TEST_CASE("the head names the framing")
    {
        const auto head = [](framing how, std::uint64_t bytes) {
            return std::string(response_text({how, bytes}).head());
        };
        CHECK(head(framing::length, 12).find("\r\nContent-Length: 12\r\n") != std::string::npos);
        CHECK(head(framing::none, 0).find("\r\nContent-Length: 0\r\n") != std::string::npos);
        CHECK(
            head(framing::chunked, 12).find("\r\nTransfer-Encoding: chunked\r\n") !=
            std::string::npos
        );
        CHECK(
            head(framing::until_close, 12).find("\r\nConnection: close\r\n") != std::string::npos
        );
        for (const auto how : all_of<framing>()) {
            CHECK(head(how, 12).starts_with("HTTP/1.1 200 OK\r\nServer: finwait\r\n"));
            CHECK(head(how, 12).ends_with("\r\n\r\n"));
        }
    }

    TEST_CASE("HEAD gets the head alone, at every kill point")
    {
        const response_text text({framing::length, 1000});
        const auto head = request("HEAD");
        CHECK(text.size(head) == text.head().size());
        CHECK(text.stop_at(kill_point::response_body, 0.5, head) == text.head().size());
        CHECK(text.stop_at(kill_point::idle, 0.5, head) == text.head().size());
        CHECK(text.stop_at(kill_point::response_headers, 0.5, head) == text.head().size() / 2);
    }

    TEST_CASE("stops in the head at a position, within a status line and the last byte")
    {
        const response_text text({framing::length, 1000});
        const auto get = request("GET");
        const auto stop = [&](double position) {
            return text.stop_at(kill_point::response_headers, position, get);
        };
        CHECK(text.head().substr(0, stop(0)) == "HTTP/1.1 2");
        CHECK(stop(0.01) == 10);
        CHECK(stop(0.5) == text.head().size() / 2);
        CHECK(stop(1) == text.head().size() - 1);
    }

    TEST_CASE("stops in the body at so many of its bytes")
    {
        const auto get = request("GET");
        struct row
        {
            body what;
            double position;
            std::uint64_t after_head;
        };
        const row rows[] = {
            {{framing::length, 1000}, 0.5, 500},
            {{framing::length, 1000}, 0, 1},
            {{framing::length, 1000}, 1, 999},
            {{framing::length, 1}, 0.5, 0},
            {{framing::until_close, 1000}, 0.25, 250},
            {{framing::chunked, 8192}, 0.5, 6 + 4096 + 2},
            {{framing::chunked, 8192}, 0.25, 6 + 2048},
            {{framing::chunked, 8192}, 0.75, 6 + 4096 + 2 + 6 + 2048},
            {{framing::chunked, 5000}, 1, 6 + 4096 + 2 + 5 + 903},
            {{framing::chunked, 10}, 0.5, 3 + 5},
        };
        for (const auto& row : rows) {
            const response_text text(row.what);
            CHECK(
                text.stop_at(kill_point::response_body, row.position, get) ==
                text.head().size() + row.after_head
            );
        }
    }
}
