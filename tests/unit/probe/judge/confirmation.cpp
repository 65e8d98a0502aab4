// What proves a kill, and what does not.
#include "probe/judge/confirmation.hpp"

#include "tests/unit/probe/judge/samples.hpp"

using namespace finwait;
using namespace finwait::judge;
using namespace finwait::judge::samples;
using enum tcp_state;

namespace {

using by = kill_method;

struct scene
{
    kill_method how;
    look client;
    std::optional<look> origin;
    bool proved;
};

report report_of(const scene& each)
{
    report seen;
    seen.plan = plan_of(kill_point::await_response, each.how);
    connection one;
    one.client.emplace();
    one.client->cookie = 1;
    one.client->after_kill = each.client;
    if (each.origin) {
        one.origin.emplace();
        one.origin->after_kill = each.origin;
    }
    seen.connections.push_back(one);
    return seen;
}

look owned(tcp_state state)
{
    return seen_in(state, owner::someone);
}

look ownerless(tcp_state state)
{
    return seen_in(state);
}

bool is_from_inside(kill_method how)
{
    return how <= by::reset || (family_of(how) == kill_family::process && how != by::stop);
}

} // namespace

TEST_SUITE_BEGIN("probe/judge/confirmation");

TEST_CASE("the looks prove a client's own end")
{
    const scene scenes[] = {
        {by::close, ownerless(CLOSE), {}, true},
        {by::close, ownerless(FIN_WAIT1), {}, true},
        {by::close, ownerless(FIN_WAIT2), {}, true},
        {by::close, ownerless(LAST_ACK), {}, true},
        {by::close, ownerless(CLOSING), {}, true},
        {by::close, ownerless(TIME_WAIT), {}, true},
        {by::close, owned(FIN_WAIT2), {}, true},
        {by::close, owned(ESTABLISHED), owned(CLOSE_WAIT), true},
        {by::close, owned(ESTABLISHED), owned(CLOSE), true},
        {by::close, owned(ESTABLISHED), ownerless(CLOSE), true},
        {by::close, owned(ESTABLISHED), owned(ESTABLISHED), false},
        {by::close, owned(ESTABLISHED), {}, false},
        {by::close, owned(CLOSE_WAIT), ownerless(FIN_WAIT2), false},
        {by::close, owned(SYN_SENT), {}, false},
        {by::close, owned(CLOSE), {}, false},
    };
    for (const scene& each : scenes)
        for (const kill_method how : all_of<kill_method>()) {
            if (!is_from_inside(how))
                continue;
            scene one = each;
            one.how = how;
            CAPTURE(word(how));
            CAPTURE(word(one.client.state));
            CHECK(confirm(report_of(one)).by.empty() != each.proved);
        }
}

TEST_CASE("the looks prove what they can of the other kills")
{
    const scene scenes[] = {
        {by::abandon, owned(ESTABLISHED), {}, true},
        {by::abandon, owned(SYN_SENT), {}, true},
        {by::abandon, owned(CLOSE_WAIT), {}, true},
        {by::abandon, owned(CLOSE), {}, false},
        {by::abandon, owned(FIN_WAIT2), {}, false},
        {by::abandon, ownerless(CLOSE), {}, false},
        {by::abandon, ownerless(TIME_WAIT), {}, false},
        {by::inherit, owned(ESTABLISHED), {}, false},
        {by::stop, owned(ESTABLISHED), {}, false},
        {by::stop, ownerless(CLOSE), {}, false},
        {by::sock_destroy, owned(CLOSE), {}, true},
        {by::sock_destroy, ownerless(CLOSE), {}, true},
        {by::sock_destroy, owned(ESTABLISHED), {}, false},
        {by::peer_close, owned(CLOSE_WAIT), {}, true},
        {by::peer_close, owned(CLOSE), {}, true},
        {by::peer_close, ownerless(LAST_ACK), {}, true},
        {by::peer_close, owned(ESTABLISHED), owned(ESTABLISHED), false},
        {by::peer_close, owned(ESTABLISHED), ownerless(FIN_WAIT1), true},
        {by::peer_reset, owned(CLOSE), {}, true},
        {by::peer_reset, owned(CLOSE_WAIT), {}, false},
        {by::peer_reset, owned(ESTABLISHED), {}, false},
        {by::peer_silent, owned(ESTABLISHED), {}, true},
        {by::peer_silent, owned(CLOSE_WAIT), {}, false},
        {by::peer_silent, ownerless(CLOSE), {}, false},
    };
    for (const scene& each : scenes) {
        CAPTURE(word(each.how));
        CAPTURE(word(each.client.state));
        CHECK(confirm(report_of(each)).by.empty() != each.proved);
    }
}

TEST_CASE("a peer that sent one more byte was not silent")
{
    report seen = report_of({by::peer_silent, owned(ESTABLISHED), {}, true});
    auto& client = *seen.connections.front().client;
    client.unread_at_kill_bytes = 100;
    client.after_kill->rqueue = 100;
    CHECK_FALSE(confirm(seen).by.empty());
    client.after_kill->rqueue = 101;
    CHECK(confirm(seen).by.empty());
    seen.kill.confirmed_by = "the origin wrote nothing";
    CHECK(confirm(seen).failure == why::kill_contradicted);
}

TEST_CASE("a holder that is named proves the inheritance, nothing else does")
{
    report seen = report_of({by::inherit, owned(ESTABLISHED), {}, false});
    seen.kill.confirmed_by = "child 12 was started";
    CHECK(confirm(seen).failure == why::kill_contradicted);
    CHECK(confirm(seen).by.empty());
    seen.connections.front().client->holders.push_back({12, 3, "sleep"});
    CHECK(confirm(seen).by == "descriptor 3 of process 12 (sleep)");
    seen.kill.confirmed_by.clear();
    CHECK(confirm(seen).by == "descriptor 3 of process 12 (sleep)");
}

TEST_CASE("a wait status proves that a process ended")
{
    for (const kill_method how : {by::sigint, by::sigterm, by::sigkill, by::exit}) {
        report seen = report_of({how, owned(ESTABLISHED), owned(ESTABLISHED), false});
        CHECK(confirm(seen).by.empty());
        seen.process.emplace();
        seen.process->ended = "signal 9";
        CHECK(confirm(seen).by == "wait status: signal 9");
        seen.process->lives = true;
        CHECK(confirm(seen).by.empty());
    }
    report stopped = report_of({by::stop, owned(ESTABLISHED), {}, false});
    stopped.process.emplace();
    stopped.process->ended = "signal 9"; // ended is not stopped
    CHECK(confirm(stopped).by.empty());
}

TEST_CASE("a proof of the kill function suffices, unless an outside kill is refuted by the look")
{
    for (const kill_method how : all_of<kill_method>()) {
        CAPTURE(word(how));
        report seen = report_of({how, owned(ESTABLISHED), owned(ESTABLISHED), false});
        seen.kill.confirmed_by = "somebody saw it";
        const bool refuted = how == by::sock_destroy || how == by::peer_close ||
                             how == by::peer_reset || how == by::inherit;
        CHECK(confirm(seen).by.empty() == refuted);
        if (refuted) {
            CHECK(confirm(seen).failure == why::kill_contradicted);
            CHECK(confirm(seen).detail.find("ESTABLISHED") != std::string::npos);
        }
    }
}

TEST_CASE("of a client that says it closed, what the kernel shows is the better proof")
{
    report seen = report_of({by::cancel, ownerless(FIN_WAIT2), std::nullopt, true});
    seen.kill.confirmed_by = "the client's code ended as cancelled";
    CHECK(confirm(seen).by.find("FIN_WAIT2") != std::string::npos);
    seen = report_of({by::cancel, owned(ESTABLISHED), std::nullopt, false});
    seen.kill.confirmed_by = "the client's code ended as cancelled";
    CHECK(confirm(seen).by == "the client's code ended as cancelled");
}

TEST_CASE("without any look a proof is taken as it is, and without a proof there is none")
{
    for (const kill_method how : all_of<kill_method>()) {
        report seen;
        seen.plan.by = how;
        CHECK(confirm(seen).by.empty());
        CHECK(confirm(seen).failure == why::kill_not_confirmed);
        seen.kill.happened = true; // our own word
        CHECK(confirm(seen).by.empty());
        seen.kill.confirmed_by = "somebody saw it";
        CHECK(confirm(seen).by.empty() == (how == by::inherit));
        seen.connections.emplace_back();
        CHECK(confirm(seen).by.empty() == (how == by::inherit));
    }
}

TEST_CASE("any connection may prove it")
{
    report seen = report_of({by::close, owned(ESTABLISHED), owned(ESTABLISHED), false});
    seen.connections.push_back(
        report_of({by::close, ownerless(FIN_WAIT2), {}, true}).connections.front()
    );
    CHECK(confirm(seen).by == "client's end in FIN_WAIT2");
}

TEST_SUITE_END();
