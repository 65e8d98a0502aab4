// The verdict rules, look by look and pair by pair.
#include "probe/judge/verdict.hpp"

#include "tests/unit/probe/judge/samples.hpp"

using namespace finwait;
using namespace finwait::judge;
using namespace finwait::judge::samples;
using enum tcp_state;

namespace {

using by = kill_method;

struct row
{
    tcp_state state;
    verdict owned;
    const char* owned_code;
    verdict ownerless;
    const char* ownerless_code;
};

constexpr row rows[] = {
    {ESTABLISHED, verdict::leaked, "leak_established", verdict::unverified, "unexpected_state"},
    {SYN_SENT, verdict::leaked, "leak_syn_sent", verdict::unverified, "unexpected_state"},
    {SYN_RECV, verdict::unverified, "unexpected_state", verdict::unverified, "unexpected_state"},
    {FIN_WAIT1, verdict::leaked, "leak_half_closed", verdict::draining, "fin_unacknowledged"},
    {FIN_WAIT2, verdict::leaked, "fin_wait2_owned", verdict::draining, "peer_not_closed"},
    {TIME_WAIT, verdict::leaked, "leak_zombie_fd", verdict::released, "fin_exchange"},
    {CLOSE, verdict::leaked, "leak_zombie_fd", verdict::released, "unexpected_end"},
    {CLOSE_WAIT, verdict::leaked, "leak_close_wait", verdict::unverified, "unexpected_state"},
    {LAST_ACK, verdict::leaked, "leak_half_closed", verdict::draining, "fin_unacknowledged"},
    {LISTEN, verdict::unverified, "unexpected_state", verdict::unverified, "unexpected_state"},
    {CLOSING, verdict::leaked, "leak_half_closed", verdict::draining, "fin_unacknowledged"},
};

void check(const reading& read, verdict expected, const char* code)
{
    CHECK(word(read.verdict) == word(expected));
    CHECK(about(read.cause).code == code);
}

std::vector<look> all_looks()
{
    std::vector<look> all;
    for (const tcp_state state : all_of<tcp_state>())
        for (const owner who : {owner::none, owner::someone})
            all.push_back(seen_in(state, who));
    return all;
}

end end_with(std::optional<look> first, std::optional<look> second)
{
    end made;
    made.cookie = 7;
    made.after_kill = first;
    made.after_origin = second;
    return made;
}

ruling rule(std::optional<look> first, std::optional<look> second, kill_method how)
{
    const end client = end_with(first, second);
    return rule_on(&client, how);
}

/// What may be seen after what, when nobody owns the end: written out, not computed.
bool follows(tcp_state now, tcp_state then)
{
    switch (now) {
    case FIN_WAIT1:
        return then == FIN_WAIT1 || then == FIN_WAIT2 || then == CLOSING || then == TIME_WAIT ||
               then == CLOSE;
    case FIN_WAIT2:
        return then == FIN_WAIT2 || then == TIME_WAIT || then == CLOSE;
    case CLOSING:
        return then == CLOSING || then == TIME_WAIT || then == CLOSE;
    case LAST_ACK:
        return then == LAST_ACK || then == CLOSE;
    case TIME_WAIT:
        return then == TIME_WAIT || then == CLOSE;
    case CLOSE:
        return then == CLOSE;
    default:
        return false;
    }
}

/// The rule of the first look, in words: a leak and a stop stand; what was released or draining
/// may go on its way; anything else contradicts itself.
verdict by_first_look(const look& first, const look& second)
{
    const verdict alone = read_look(first, keeper::nobody).verdict;
    if (alone == verdict::leaked || alone == verdict::unverified)
        return alone;
    if (second.owned || !follows(first.state, second.state))
        return verdict::unverified;
    return second.state == CLOSE || second.state == TIME_WAIT ? verdict::released
                                                              : verdict::draining;
}

verdict by_second_look(const look& first, const look& second)
{
    const bool revived = first.state == CLOSE && second.state != CLOSE;
    const bool adopted = !first.owned && second.owned;
    if (revived || adopted ||
        (!first.owned && first.state != second.state && second.state != CLOSE &&
         !follows(first.state, second.state)))
        return verdict::unverified;
    return read_look(second, keeper::nobody).verdict;
}

} // namespace

TEST_SUITE_BEGIN("probe/judge/verdict");

TEST_CASE("one look, every state, with and without an owner")
{
    static_assert(std::size(rows) == words<tcp_state>::table.size());
    for (const row& each : rows) {
        CAPTURE(word(each.state));
        check(
            read_look(seen_in(each.state, owner::someone), keeper::nobody),
            each.owned,
            each.owned_code
        );
        check(read_look(seen_in(each.state), keeper::nobody), each.ownerless, each.ownerless_code);
    }
}

TEST_CASE("a stopped process holds whatever it owns, and nothing else")
{
    for (const row& each : rows) {
        CAPTURE(word(each.state));
        const reading owned =
            read_look(seen_in(each.state, owner::someone), keeper::stopped_process);
        CHECK(owned.verdict == (each.state == LISTEN ? verdict::unverified : verdict::held));
        const reading free = read_look(seen_in(each.state), keeper::stopped_process);
        CHECK(free.verdict == each.ownerless);
    }
}

TEST_CASE("the timer tells a kept back FIN from an unacknowledged one, and rule 10 from rule 9")
{
    look seen = seen_in(FIN_WAIT1);
    seen.timer = tcp_timer::probe0;
    check(read_look(seen, keeper::nobody), verdict::draining, "undelivered_fin");
    seen = seen_in(FIN_WAIT2);
    seen.minisock = false;
    seen.timer = tcp_timer::keepalive;
    CHECK(read_look(seen, keeper::nobody).cause == why::fin_wait2_orphan);
    seen = seen_in(FIN_WAIT2, owner::someone);
    seen.timer = tcp_timer::keepalive; // the application's: it does not end a FIN_WAIT2
    check(read_look(seen, keeper::nobody), verdict::leaked, "fin_wait2_owned");
    seen.minisock = true; // no descriptor refers to a minisock
    check(read_look(seen, keeper::nobody), verdict::unverified, "unexpected_state");
}

TEST_CASE("every pair of looks, judged at the first")
{
    for (const look& first : all_looks())
        for (const look& second : all_looks())
            for (const kill_method how : {by::close, by::sigkill, by::reset, by::own, by::cut}) {
                CAPTURE(word(first.state));
                CAPTURE(first.owned);
                CAPTURE(word(second.state));
                CAPTURE(second.owned);
                const ruling made = rule(first, second, how);
                CHECK(word(made.verdict) == word(by_first_look(first, second)));
                CHECK(made.end_state.has_value() == (made.verdict == verdict::released));
                if (made.end_state)
                    CHECK(*made.end_state == second.state);
            }
}

TEST_CASE("every pair of looks, judged at the second")
{
    for (const look& first : all_looks())
        for (const look& second : all_looks())
            for (const kill_method how :
                 {by::sock_destroy, by::peer_close, by::peer_reset, by::peer_silent}) {
                CAPTURE(word(first.state));
                CAPTURE(first.owned);
                CAPTURE(word(second.state));
                CAPTURE(second.owned);
                const ruling made = rule(first, second, how);
                CHECK(word(made.verdict) == word(by_second_look(first, second)));
                CHECK(made.end_state.has_value() == (made.verdict == verdict::released));
                CHECK_FALSE(made.ended_by_origin);
            }
}

TEST_CASE("every pair of looks at a stopped process: held stays held")
{
    for (const look& first : all_looks())
        for (const look& second : all_looks()) {
            const ruling made = rule(first, second, by::stop);
            if (first.owned && first.state != LISTEN)
                CHECK(made.verdict == verdict::held);
            else
                CHECK(made.verdict != verdict::held);
        }
}

TEST_CASE("the second look never mends a leak, whatever it shows")
{
    for (const look& first : all_looks()) {
        if (read_look(first, keeper::nobody).verdict != verdict::leaked)
            continue;
        for (const look& second : all_looks()) {
            const ruling made = rule(first, second, by::close);
            CHECK(made.verdict == verdict::leaked);
            CHECK_FALSE(made.end_state);
            const bool was_over = first.state == CLOSE || first.state == TIME_WAIT;
            const bool is_over = second.state == CLOSE || second.state == TIME_WAIT;
            CHECK(made.ended_by_origin == (!was_over && is_over));
        }
    }
}

TEST_CASE("the second look never makes a leak of what was none")
{
    for (const look& first : all_looks()) {
        if (read_look(first, keeper::nobody).verdict == verdict::leaked)
            continue;
        for (const look& second : all_looks())
            CHECK(rule(first, second, by::close).verdict != verdict::leaked);
    }
}

TEST_CASE("a missing judging look is unverified, a missing other look is no matter")
{
    const look open = seen_in(ESTABLISHED, owner::someone);
    const look drains = seen_in(FIN_WAIT2);
    const look gone = seen_in(CLOSE);
    CHECK(rule({}, {}, by::close).cause == why::no_look);
    CHECK(rule({}, gone, by::close).cause == why::no_look);
    CHECK(rule({}, gone, by::stop).cause == why::no_look);
    CHECK(rule(open, {}, by::peer_close).cause == why::no_look);
    CHECK(rule({}, {}, by::peer_close).verdict == verdict::unverified);
    CHECK(rule(drains, {}, by::close).verdict == verdict::draining);
    CHECK(rule(open, {}, by::close).verdict == verdict::leaked);
    CHECK(rule(gone, {}, by::close).end_state == CLOSE);
    CHECK(rule({}, gone, by::peer_close).verdict == verdict::released);
    CHECK(rule(open, {}, by::stop).verdict == verdict::held);
}

TEST_CASE("without an identity there is no verdict")
{
    CHECK(rule_on(nullptr, by::close).cause == why::no_client_end);
    end client = end_with(seen_in(CLOSE), seen_in(CLOSE));
    client.cookie = 0;
    CHECK(rule_on(&client, by::close).cause == why::no_cookie);
    CHECK(rule_on(&client, by::close).verdict == verdict::unverified);
}

TEST_CASE("a holder owns the socket at the first look")
{
    for (const tcp_state state : {ESTABLISHED, CLOSE_WAIT, CLOSE, TIME_WAIT}) {
        look ownerless = seen_in(state);
        ownerless.minisock = false;
        end client = end_with(ownerless, ownerless);
        client.holders.push_back({12, 3, "child"});
        CHECK(rule_on(&client, by::sigkill).verdict == verdict::leaked);
    }
}

TEST_CASE("the look that counts last is the one that deadlines are computed from")
{
    const look first = seen_in(FIN_WAIT2);
    look second = seen_in(TIME_WAIT);
    second.at_ns = 99;
    CHECK(rule(first, second, by::close).last == second);
    CHECK(rule(first, {}, by::close).last == first);
}

TEST_SUITE_END();
