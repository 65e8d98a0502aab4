// Lines out of bytes, in every way of cutting them.
#include "daemon/line_splitter.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace finwait::daemon;

namespace {

std::vector<input_line> all_of(line_splitter& lines)
{
    std::vector<input_line> found;
    while (auto line = lines.next())
        found.push_back(std::move(*line));
    return found;
}

} // namespace

TEST_SUITE_BEGIN("daemon/line_splitter");

TEST_CASE("lines come out whole, however they came in")
{
    const std::string text = "one\n\nthree\n";
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
        CAPTURE(piece);
        line_splitter lines(100);
        for (std::size_t from = 0; from < text.size(); from += piece)
            lines.push(std::string_view(text).substr(from, piece));
        lines.finish();
        CHECK(all_of(lines) == std::vector<input_line>{{1, "one"}, {2, ""}, {3, "three"}});
    }
}

TEST_CASE("an unfinished line waits, and counts as one at the end")
{
    line_splitter lines(100);
    lines.push("half");
    CHECK_FALSE(lines.next());
    lines.finish();
    CHECK(lines.next() == input_line{1, "half"});
    lines.finish();
    CHECK_FALSE(lines.next());
}

TEST_CASE("a line that is too long is dropped and told, and the next one is whole")
{
    line_splitter lines(3);
    lines.push("abc\nab");
    lines.push("cd");
    lines.push("efgh\nxyz\n");
    CHECK(all_of(lines) == std::vector<input_line>{{1, "abc"}, {2, "", true}, {3, "xyz"}});
}

TEST_CASE("a last line that is too long and has no newline is told as well")
{
    line_splitter lines(3);
    lines.push("abcd");
    lines.finish();
    CHECK(all_of(lines) == std::vector<input_line>{{1, "", true}});
}

TEST_SUITE_END();
