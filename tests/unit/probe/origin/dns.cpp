// The queries of resolvers, good and bad, and the one answer. Sockets are in tests/kernel.
#include "probe/origin/dns.hpp"

#include <doctest/doctest.h>

using finwait::origin::is_asked;
using finwait::origin::nxdomain;
using finwait::origin::parse_query;

namespace {

std::string packet(const std::string& question, char flags = 1, char questions = 1)
{
    return std::string{'\x12', '\x34', flags, 0, 0, questions, 0, 0, 0, 0, 0, 1} + question;
}

const std::string example("\7eXample\3ORG\0\0\x1c\0\1", 17);

} // namespace

TEST_SUITE("probe/origin/dns")
{
    TEST_CASE("reads the name in lower case, and the type")
    {
        const auto extra = std::string("\0\0\x29\x10\0\0\0\0\0\0\0", 11); // EDNS
        const auto question = parse_query(packet(example) + extra);
        REQUIRE(question.has_value());
        CHECK(question->name == "example.org");
        CHECK(question->type == 28);
        CHECK(question->end == packet(example).size());
    }

    TEST_CASE("a cut packet is no query, wherever it is cut")
    {
        const auto whole = packet(example);
        for (std::size_t bytes = 0; bytes < whole.size(); ++bytes)
            CHECK_FALSE(parse_query(std::string_view(whole).substr(0, bytes)).has_value());
        CHECK(parse_query(whole).has_value());
    }

    TEST_CASE("answers, other opcodes, more questions, compression and strange names are no query")
    {
        CHECK_FALSE(parse_query(packet(example, '\x81')).has_value());
        CHECK_FALSE(parse_query(packet(example, '\x11')).has_value());
        CHECK_FALSE(parse_query(packet(example, 1, 2)).has_value());
        CHECK_FALSE(parse_query(packet(example, 1, 0)).has_value());
        CHECK_FALSE(parse_query(packet(std::string("\xc0\x0c\0\1\0\1", 6))).has_value());
        CHECK_FALSE(parse_query(packet(std::string("\3a.b\0\0\1\0\1", 9))).has_value());
        CHECK_FALSE(parse_query(packet(std::string("\3a\0b\0\0\1\0\1", 9))).has_value());
        std::string overlong;
        for (int i = 0; i < 5; ++i)
            overlong += '\x3f' + std::string(63, 'x');
        CHECK_FALSE(parse_query(packet(overlong + std::string("\0\0\1\0\1", 5))).has_value());
    }

    TEST_CASE("NXDOMAIN copies the id, RD and the question as it was asked, and nothing else")
    {
        const auto asked = packet(example) + "additional";
        const auto question = parse_query(asked);
        REQUIRE(question.has_value());
        const auto answer = nxdomain(asked, *question);
        CHECK(answer == std::string("\x12\x34\x81\x83\0\1\0\0\0\0\0\0", 12) + example);
        const auto without_rd = packet(example, 0);
        CHECK(nxdomain(without_rd, *parse_query(without_rd))[2] == '\x80');
    }

    TEST_CASE("a query counts for a name also with a search domain appended")
    {
        CHECK(is_asked("a.b", "a.b"));
        CHECK(is_asked("a.b.search", "a.b"));
        CHECK_FALSE(is_asked("a.bc", "a.b"));
        CHECK_FALSE(is_asked("x.a.b", "a.b"));
        CHECK_FALSE(is_asked("a", "a.b"));
    }
}
