// Events out of bytes, however these come.
#include "daemon/event_stream.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace finwait::daemon;

namespace {

std::vector<api_event> all_of(event_stream& from)
{
    std::vector<api_event> events;
    while (auto one = from.next())
        events.push_back(*one);
    return events;
}

const std::string three = ": hello\n\nid: 7\nevent: audit\ndata: {\"a\":1}\n\n"
                          "data:x\ndata:\ndata: y\n\nretry: 10\nid: 9\nevent: report\ndata\n\n";
const std::vector<api_event> what_three_are{
    {"7", "audit", "{\"a\":1}"}, {"7", "message", "x\n\ny"}, {"9", "report", ""}};

} // namespace

TEST_SUITE_BEGIN("daemon/event_stream");

TEST_CASE("events come out as they were meant, the last id staying")
{
    event_stream events;
    events.push(three);
    CHECK((all_of(events) == what_three_are));
    CHECK(events.unfinished_bytes() == 0);
}

TEST_CASE("cut anywhere, and with any line ends, they are the same")
{
    for (const char* newline : {"\n", "\r\n", "\r"}) {
        std::string text;
        for (const char each : three)
            text += each == '\n' ? newline : std::string(1, each);
        text += newline; // a CR at the very end may be half of a line end
        for (std::size_t cut = 0; cut <= text.size(); ++cut) {
            CAPTURE(cut);
            event_stream events;
            events.push(std::string_view(text).substr(0, cut));
            auto came = all_of(events);
            events.push(std::string_view(text).substr(cut));
            for (auto& each : all_of(events))
                came.push_back(std::move(each));
            REQUIRE((came == what_three_are));
        }
    }
}

TEST_CASE("an event that is not complete stays where it is")
{
    event_stream events;
    events.push("data: 1\n");
    CHECK_FALSE(events.next());
    CHECK(events.unfinished_bytes() == 2);
    events.push("data: 2");
    CHECK_FALSE(events.next());
    CHECK(events.unfinished_bytes() == 9);
    events.push("\n\n");
    CHECK(events.next()->data == "1\n2");
}

TEST_CASE("comments, names without data and unknown fields are no events")
{
    event_stream events;
    events.push("event: audit\n\n:\n\nfoo: bar\n\nevent: x\ndata: 1\n\n");
    CHECK((all_of(events) == std::vector<api_event>{{"", "x", "1"}}));
}

TEST_SUITE_END();
