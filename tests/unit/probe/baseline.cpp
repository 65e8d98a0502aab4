// What counts as kept after a success.
#include "probe/baseline.hpp"

#include <doctest/doctest.h>

using namespace finwait;

namespace {

connection kept()
{
    connection out;
    end& client = out.client.emplace();
    client.cookie = 7;
    look& last = client.after_kill.emplace();
    last.state = tcp_state::ESTABLISHED;
    last.owned = true;
    out.complete = true;
    return out;
}

report with(const connection& one)
{
    report out;
    out.connections = {one};
    return out;
}

} // namespace

TEST_SUITE_BEGIN("probe/baseline");

TEST_CASE("complete connections at rest with an owner are counted")
{
    report seen;
    CHECK(kept_after(seen) == 0);
    seen.connections = {kept(), kept()};
    CHECK(kept_after(seen) == 2);
}

TEST_CASE("nothing else excuses anything")
{
    CHECK(kept_after(with(connection{})) == 0);
    auto one = kept();
    one.client->after_kill.reset();
    CHECK(kept_after(with(one)) == 0);
    one = kept();
    one.complete = false;
    CHECK(kept_after(with(one)) == 0);
    one = kept();
    one.client->after_kill->owned = false;
    CHECK(kept_after(with(one)) == 0);
    one = kept();
    one.client->after_kill->rqueue = 1;
    CHECK(kept_after(with(one)) == 0);
    one = kept();
    one.client->after_kill->wqueue = 1;
    CHECK(kept_after(with(one)) == 0);
    for (const auto state : all_of<tcp_state>())
        if (state != tcp_state::ESTABLISHED) {
            CAPTURE(word(state));
            one = kept();
            one.client->after_kill->state = state;
            CHECK(kept_after(with(one)) == 0);
        }
}

TEST_CASE("only a driver whose right use is known can be measured")
{
    subject::client_order how;
    how.command = {"c"};
    CHECK_FALSE(baseline_book::can_measure(how));
    how.success_command = {"c"};
    CHECK_FALSE(baseline_book::can_measure(how));
    how.is_driver = true;
    CHECK(baseline_book::can_measure(how));
    how.success_command.clear();
    CHECK_FALSE(baseline_book::can_measure(how));
}

TEST_SUITE_END();
