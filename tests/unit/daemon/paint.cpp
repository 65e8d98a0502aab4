// When there is colour, and the signs.
#include "daemon/paint.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace finwait;
using namespace finwait::daemon;

TEST_SUITE_BEGIN("daemon/paint");

TEST_CASE("colour is for terminals, unless somebody says otherwise")
{
    const terminal_facts terminal{.is_terminal = true};
    CHECK(decide(color_choice::automatic, terminal) == color::on);
    CHECK(decide(color_choice::automatic, {.is_terminal = false}) == color::off);
    CHECK(decide(color_choice::automatic, {.is_terminal = true, .no_color = true}) == color::off);
    CHECK(decide(color_choice::automatic, {.is_terminal = true, .is_dumb = true}) == color::off);
    CHECK(decide(color_choice::always, {.no_color = true, .is_dumb = true}) == color::on);
    CHECK(decide(color_choice::never, terminal) == color::off);
}

TEST_CASE("every verdict has a sign of its own")
{
    std::set<std::string_view> signs;
    for (const verdict each : all_of<verdict>())
        signs.insert(sign(each));
    CHECK(signs.size() == all_of<verdict>().size());
    CHECK(signed_word(verdict::released) == "✓ released");
    CHECK(signed_word(verdict::draining) == "◔ draining");
    CHECK(signed_word(verdict::held) == "■ held");
    CHECK(signed_word(verdict::leaked) == "▲ leaked");
    CHECK(signed_word(verdict::unverified) == "? unverified");
}

TEST_SUITE_END();
