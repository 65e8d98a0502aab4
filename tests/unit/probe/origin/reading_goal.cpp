// How far each kill point lets an origin read, whatever the size of the pieces that come.
#include "probe/origin/reading_goal.hpp"

#include <doctest/doctest.h>

using namespace finwait;
using origin::goal_of;
using origin::reading_goal;
using origin::request_reader;

namespace {

/// Reads a stream as an origin does, never more than the goal's appetite. Gives how much.
std::size_t read_by(const reading_goal& goal, std::string_view stream, std::size_t piece)
{
    request_reader reader;
    std::size_t total = 0;
    while (total < stream.size() && !goal.reached(reader, total)) {
        const auto appetite = goal.appetite(reader, total);
        REQUIRE(appetite > 0);
        const auto got = std::min({piece, appetite, stream.size() - total});
        reader.feed(stream.substr(total, got));
        total += got;
    }
    return total;
}

const std::string length_request =
    "POST / HTTP/1.1\r\nContent-Length: 50000\r\n\r\n" + std::string(50'000, 'x');
const std::size_t length_head = length_request.size() - 50'000;
const std::string chunked_request = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                                    "a\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n";
const std::size_t chunked_head = chunked_request.find("a\r\n0123");

origin::script at(kill_point point)
{
    origin::script how;
    how.at = point;
    return how;
}

} // namespace

TEST_SUITE("probe/origin/reading_goal")
{
    TEST_CASE("each kill point reads exactly so far, whatever the size of the pieces")
    {
        auto with_count = at(kill_point::request_headers);
        with_count.request_bytes_until_stall = 33;
        auto body_count = at(kill_point::request_body);
        body_count.request_bytes_until_stall = length_head + 5;
        auto blocked = at(kill_point::request_body);
        blocked.blocked = true;
        blocked.request_bytes_until_stall = 45'000;
        auto chunked = at(kill_point::request_body);
        chunked.request = {framing::chunked, 20};
        chunked.position = 0.6;
        auto unknown = at(kill_point::request_body);
        struct row
        {
            const char* what;
            origin::script how;
            const std::string& stream;
            std::size_t bytes;
        };
        const row rows[] = {
            {"any head", at(kill_point::request_headers), length_request, 12},
            {"counted head", with_count, length_request, 33},
            {"counted body", body_count, length_request, length_head + 5},
            {"half body", at(kill_point::request_body), length_request, length_head + 25'000},
            {"blocked", blocked, length_request, length_head + 16 * kibibyte},
            {"chunked body", chunked, chunked_request, chunked_head + 15 + 3 + 2},
            {"chunked body of unknown length", unknown, chunked_request, chunked_head},
            {"head", at(kill_point::expect_continue), length_request, length_head},
            {"whole", at(kill_point::await_response), length_request, length_request.size()},
            {"whole chunked", at(kill_point::idle), chunked_request, chunked_request.size()},
        };
        for (const auto& row : rows)
            for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1} << 20}) {
                CAPTURE(row.what);
                CAPTURE(piece);
                CHECK(read_by(goal_of(row.how), row.stream, piece) == row.bytes);
            }
    }

    TEST_CASE("a complete request is enough for every goal")
    {
        request_reader reader;
        reader.feed("GET / HTTP/1.1\r\n\r\n");
        for (const auto point : all_of<kill_point>()) {
            auto how = at(point);
            how.request_bytes_until_stall = 1'000'000;
            CHECK(goal_of(how).reached(reader, 18));
        }
    }
}
