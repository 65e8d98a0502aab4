// The judgement of whole reports: leaks found, controls, obstacles, contradictions, rubbish.
#include "tests/unit/probe/judge/samples.hpp"

#include <set>

using namespace finwait;
using namespace finwait::judge;
using namespace finwait::judge::samples;
using enum kill_point;
using enum tcp_state;

namespace {

using by = kill_method;

look owned(tcp_state state)
{
    return seen_in(state, owner::someone);
}

look ownerless(tcp_state state)
{
    return seen_in(state);
}

/// Codes in their order, separated by blanks.
std::string codes(const judgement& made)
{
    std::string text;
    for (const reason& each : made.reasons)
        text.append(text.empty() ? "" : " ").append(each.code);
    return text;
}

report settled(report seen)
{
    judgement made = judged(seen);
    settle(seen, std::move(made));
    return seen;
}

} // namespace

TEST_SUITE_BEGIN("probe/judge/judge");

TEST_CASE("the ordinary case: a graceful end, released, with its reason and its deadline")
{
    const report seen = foreseen(plan_of(request_body, by::sigkill));
    const judgement made = judged(seen);
    CHECK(made.verdict == verdict::released);
    CHECK(made.end_state == TIME_WAIT);
    CHECK(made.as_expected);
    CHECK(codes(made) == "fin_exchange process_ended");
    REQUIRE(made.connections.size() == 1);
    CHECK(made.connections.front().gone_by_ns == 60'000'000 + 67'500'000'000 + 50'000'000);
    CHECK(made.kill.happened);
    CHECK(made.kill.confirmed_by == "wait status: signal 9");
}

TEST_CASE("the reasons of what was seen")
{
    struct row
    {
        kill_point at;
        kill_method how;
        unsigned flags; ///< 1 TLS, 2 unread, 4 blocked
        after_action after;
        const char* codes;
    };
    using enum after_action;
    const row rows[] = {
        {connect, by::close, 0, close, "closed_syn_sent"},
        {connect, by::sigterm, 0, close, "closed_syn_sent process_ended"},
        {connect, by::sock_destroy, 0, close, "sock_destroyed"},
        {connect, by::abandon, 0, close, "leak_syn_sent control_caught"},
        {resolve, by::throw_, 0, close, "no_socket"},
        {resolve, by::stop, 0, close, "no_socket"},
        {await_response, by::close, 0, close, "fin_exchange"},
        {await_response, by::shutdown_close, 0, close, "fin_exchange shutdown_first"},
        {await_response, by::close, 0, stall, "peer_not_closed origin_turn"},
        {await_response, by::sigint, 0, stall, "peer_not_closed origin_turn process_ended"},
        {await_response, by::close, 0, answer, "origin_wrote_after_fin"},
        {await_response, by::close, 0, reset, "peer_reset"},
        {await_response, by::reset, 0, close, "reset_linger"},
        {await_response, by::stop, 0, close, "process_stopped"},
        {await_response, by::abandon, 0, close, "leak_established control_caught"},
        {await_response, by::abandon, 0, reset, "leak_established ended_by_origin control_caught"},
        {await_response,
         by::inherit,
         0,
         close,
         "leak_hidden_holder leak_established control_caught"},
        {await_response, by::sock_destroy, 0, close, "sock_destroyed"},
        {await_response, by::peer_close, 0, close, "closed_passive"},
        {await_response, by::peer_reset, 0, close, "peer_reset"},
        {await_response, by::peer_silent, 0, close, "fin_exchange client_deadline"},
        {await_response, by::peer_silent, 0, stall, "peer_not_closed origin_turn client_deadline"},
        {response_body, by::close, 2, close, "reset_unread_data"},
        {response_body, by::reset, 2, close, "reset_unread_data"},
        {response_body, by::peer_close, 2, close, "reset_unread_data"},
        {response_body, by::shutdown_close, 2, close, "reset_unread_data shutdown_first"},
        {request_headers, by::close, 1, close, "reset_unread_data tls_tickets_unread"},
        {request_headers,
         by::sigkill,
         1,
         close,
         "reset_unread_data process_ended tls_tickets_unread"},
        {request_body, by::close, 4, close, "origin_reset_unread"},
        {request_body, by::close, 4, stall, "undelivered_fin"},
        {request_body, by::close, 4, answer, "fin_exchange"},
        {request_body, by::peer_close, 4, close, "origin_reset_unread"},
        {idle, by::close, 1, answer, "origin_wrote_after_fin"},
        {idle_peer_closed, by::close, 0, close, "closed_passive"},
        {idle_peer_closed, by::reset, 0, close, "reset_linger"},
        {idle_peer_closed, by::abandon, 0, close, "leak_close_wait control_caught"},
    };
    for (const row& each : rows) {
        plan done = plan_of(each.at, each.how);
        done.tls = (each.flags & 1U) != 0;
        done.unread = (each.flags & 2U) != 0;
        done.blocked = (each.flags & 4U) != 0;
        done.request.bytes = done.blocked ? 8 * mebibyte : done.request.bytes;
        done.after = each.after;
        CAPTURE(in_words(done));
        CHECK(codes(judged(foreseen(done))) == each.codes);
    }
}

TEST_CASE("a reason carries its numbers")
{
    plan done = plan_of(request_headers, by::close);
    done.tls = true;
    CHECK(
        judged(foreseen(done)).reasons.front().text.find("510 bytes unread") != std::string::npos
    );
    plan blocked = plan_of(request_body, by::close);
    blocked.blocked = true;
    blocked.request.bytes = 8 * mebibyte;
    blocked.after = after_action::stall;
    CHECK(
        judged(foreseen(blocked)).reasons.front().text.find("1048576 bytes unsent") !=
        std::string::npos
    );
}

TEST_CASE("a leak is found at every cell of the default matrix that is no control")
{
    for (const plan& done : every_plan()) {
        if (done.at == resolve || is_control(done.by) || done.by == by::stop)
            continue;
        CAPTURE(in_words(done));
        const bool inside = judged_at(done.by) == judging_look::first;
        const look before = *foreseen(done).connections.front().client->after_kill;
        const look still = owned(done.at == connect ? SYN_SENT : ESTABLISHED);
        report seen = with_looks(done, inside ? still : before, inside ? ownerless(CLOSE) : still);
        if (!inside && before.state == CLOSE) // no open state can follow: the zombie descriptor
            seen = with_looks(done, before, owned(CLOSE));
        seen = settled(seen);
        CHECK(seen.verdict == verdict::leaked);
        CHECK_FALSE(seen.as_expected);
        CHECK(is_finding(seen));
        CHECK(seen.reasons.front().code.starts_with("leak_"));
        CHECK(seen.reasons.back().code == "differs_from_expectation");
        CHECK(has_code(seen.reasons, "ended_by_origin") == inside);
        CHECK_FALSE(seen.connections.front().gone_by_ns);
    }
}

TEST_CASE("leaks by their state")
{
    struct row
    {
        look first;
        const char* code;
    };
    const plan done = plan_of(await_response, by::sigkill);
    for (const row& each :
         {row{owned(ESTABLISHED), "leak_established"},
          {owned(CLOSE_WAIT), "leak_close_wait"},
          {owned(FIN_WAIT2), "fin_wait2_owned"},
          {owned(FIN_WAIT1), "leak_half_closed"},
          {owned(CLOSE), "leak_zombie_fd"},
          {owned(TIME_WAIT), "leak_zombie_fd"}}) {
        const judgement made = judged(with_looks(done, each.first, each.first));
        CHECK(made.verdict == verdict::leaked);
        CHECK(made.reasons.front().code == each.code);
    }
}

TEST_CASE("a holder is named: hidden when it is somebody else, a detail when it is the client")
{
    report seen = with_looks(plan_of(idle, by::sigkill), owned(ESTABLISHED), owned(CLOSE_WAIT));
    seen.connections.front().client->holders = {{99, 5, "sleep"}};
    const judgement hidden = judged(seen);
    CHECK(codes(hidden) == "leak_hidden_holder leak_established differs_from_expectation");
    CHECK(hidden.reasons.front().text.find("process 99 sleep, descriptor 5") != std::string::npos);
    seen.connections.front().client->holders = {{seen.process->pid, 5, "finwait"}};
    const judgement own = judged(seen);
    CHECK(codes(own) == "leak_established differs_from_expectation");
    CHECK(own.reasons.front().text.find("process 4711 finwait") != std::string::npos);
    report kept = foreseen(plan_of(idle, by::abandon));
    kept.connections.front().client->holders = {{1, 7, "finwait"}};
    CHECK(codes(judged(kept)) == "leak_established control_caught");
}

TEST_CASE("what differs is said, both ways")
{
    report seen =
        with_looks(plan_of(await_response, by::close), ownerless(CLOSE), ownerless(CLOSE));
    SUBCASE("and explained, when a rule explains it")
    {
        seen.connections.front().client->unread_at_kill_bytes = 300;
        CHECK(codes(judged(seen)) == "differs_from_expectation reset_unread_data");
    }
    SUBCASE("and called unexpected, when none does")
    {
        CHECK(codes(judged(seen)) == "differs_from_expectation unexpected_end");
    }
    const judgement made = judged(seen);
    CHECK(made.verdict == verdict::released);
    CHECK(made.end_state == CLOSE);
    CHECK_FALSE(made.as_expected);
    CHECK(
        made.reasons.front().text.find(
            "expected released with end TIME_WAIT, observed released with end CLOSE"
        ) != std::string::npos
    );
}

TEST_CASE("what happened after the first look does not explain an end before it")
{
    plan done = plan_of(await_response, by::close);
    done.after = after_action::answer;
    CHECK(codes(judged(foreseen(done))) == "origin_wrote_after_fin");
    const report early = with_looks(done, ownerless(CLOSE), ownerless(CLOSE));
    CHECK(codes(judged(early)) == "unexpected_end");
}

TEST_CASE("a peer that closed earlier than planned explains a passive close")
{
    report seen = with_looks(plan_of(idle, by::close), ownerless(CLOSE), ownerless(CLOSE));
    auto& states = seen.connections.front().client->states;
    states.front().to_ns = 500'000;
    states.push_back({CLOSE_WAIT, 500'000, {}, 10'000, true, false, witness::sock_diag});
    CHECK(codes(judged(seen)) == "differs_from_expectation closed_passive");
}

TEST_CASE("still draining when it should be over is a finding without a leak")
{
    const report seen = settled(
        with_looks(plan_of(await_response, by::close), ownerless(FIN_WAIT1), ownerless(FIN_WAIT1))
    );
    CHECK(seen.verdict == verdict::draining);
    CHECK_FALSE(seen.end_state);
    CHECK(is_finding(seen));
    CHECK(seen.connections.front().gone_by_ns.has_value());
    CHECK(seen.reasons.front().code == "differs_from_expectation");
    CHECK(seen.reasons.at(1).code == "fin_unacknowledged");
}

TEST_CASE("a control that is not caught has escaped, whatever else became of it")
{
    for (const look& second : {ownerless(CLOSE), ownerless(TIME_WAIT), ownerless(FIN_WAIT2)}) {
        report seen = with_looks(plan_of(idle, by::abandon), ownerless(FIN_WAIT2), second);
        seen = settled(seen);
        CHECK(seen.control);
        CHECK(seen.verdict != verdict::leaked);
        CHECK_FALSE(seen.as_expected);
        CHECK_FALSE(is_caught(seen));
        CHECK(seen.reasons.front().code == "control_escaped");
    }
}

TEST_CASE("a control without its holder is not caught, even if the socket is open")
{
    report seen = foreseen(plan_of(idle, by::inherit));
    seen.kill.confirmed_by = "a child was started";
    seen.connections.front().client->holders.clear();
    seen = settled(seen);
    CHECK(seen.verdict == verdict::unverified);
    CHECK_FALSE(is_caught(seen));
}

TEST_CASE("all controls of the default matrix are caught as foreseen")
{
    std::size_t count = 0;
    for (const plan& done : every_plan())
        if (is_control(done.by)) {
            const report seen = settled(foreseen(done));
            CHECK(is_caught(seen));
            CHECK(seen.as_expected);
            CHECK_FALSE(is_finding(seen));
            CHECK(seen.reasons.back().code == "control_caught");
            ++count;
        }
    CHECK(count > 40);
}

TEST_CASE("a control with the second look mended stays caught")
{
    report seen = foreseen(plan_of(idle, by::abandon));
    seen.connections.front().client->after_origin = ownerless(CLOSE);
    const judgement made = judged(seen);
    CHECK(made.verdict == verdict::leaked);
    CHECK(codes(made) == "leak_established ended_by_origin control_caught");
}

TEST_CASE("a kill that nothing proves is unverified, however good the looks are")
{
    const look open = owned(ESTABLISHED);
    for (const kill_method how : {by::close, by::sigkill, by::throw_, by::stop, by::peer_close}) {
        report seen = with_looks(plan_of(await_response, how), open, ownerless(CLOSE));
        seen.kill.confirmed_by.clear();
        seen.kill.happened = true;
        seen.process.reset();
        seen.connections.front().origin->after_kill = open;
        const judgement made = judged(seen);
        CHECK(made.verdict == verdict::unverified);
        CHECK_FALSE(made.kill.happened);
        CHECK(made.kill.confirmed_by.empty());
        CHECK(codes(made) == "kill_not_confirmed");
        CHECK_FALSE(made.as_expected);
        CHECK(made.connections.front().verdict == verdict::unverified);
    }
}

TEST_CASE("a client whose code ended, and whose socket is still open with a descriptor, leaks")
{
    for (const kill_method how : {by::close, by::cancel, by::throw_, by::deadline, by::reset}) {
        report seen =
            with_looks(plan_of(await_response, how), owned(ESTABLISHED), owned(CLOSE_WAIT));
        seen.kill.confirmed_by = "the client's code ended";
        seen.connections.front().origin->after_kill = owned(ESTABLISHED);
        const judgement made = judged(seen);
        CHECK(made.verdict == verdict::leaked);
        CHECK(made.kill.confirmed_by == "the client's code ended");
        CHECK_FALSE(made.as_expected);
    }
}

TEST_CASE("at resolve, too, the kill needs a proof")
{
    report seen = foreseen(plan_of(resolve, by::cancel));
    CHECK(judged(seen).verdict == verdict::released);
    seen.kill.confirmed_by.clear();
    CHECK(judged(seen).verdict == verdict::unverified);
}

TEST_CASE("a connection at resolve is judged like any other")
{
    report seen = foreseen(plan_of(resolve, by::cancel));
    seen.connections = foreseen(plan_of(connected, by::cancel)).connections;
    CHECK(judged(seen).verdict == verdict::released);
    CHECK(codes(judged(seen)) == "unexpected_end");
    seen.connections.front().client->after_kill = owned(ESTABLISHED);
    CHECK(judged(seen).verdict == verdict::leaked);
}

TEST_CASE("an obstacle makes everything unverified and is the reason")
{
    report seen = foreseen(plan_of(await_response, by::close));
    const judgement made =
        finwait::judge::judge(seen, {}, obstacle{"stall_not_reached", "nothing came"});
    CHECK(made.verdict == verdict::unverified);
    CHECK(codes(made) == "stall_not_reached");
    CHECK(made.reasons.front().text == "nothing came");
    CHECK(made.expected == expectation{{verdict::released}, TIME_WAIT});
    CHECK_FALSE(made.as_expected);
    REQUIRE(made.connections.size() == 1);
    CHECK(made.connections.front().verdict == verdict::unverified);
    settle(seen, made);
    CHECK_FALSE(is_finding(seen));
}

TEST_CASE("what was closed before the kill proves nothing of it")
{
    for (const tcp_state early : {CLOSE, TIME_WAIT, FIN_WAIT1, FIN_WAIT2, LAST_ACK, CLOSING}) {
        report seen = foreseen(plan_of(await_response, by::close));
        auto& states = seen.connections.front().client->states;
        states.front().to_ns = 900'000;
        states.push_back({early, 900'000, {}, 10'000, false, false, witness::sock_diag});
        CHECK(codes(judged(seen)) == "closed_before_kill");
        CHECK(judged(seen).verdict == verdict::unverified);
        states.back().from_ns = 1'000'001;
        CHECK(judged(seen).verdict == verdict::released);
    }
}

TEST_CASE("a full TIME_WAIT table makes an unexpected CLOSE unverified, and no other end")
{
    const plan done = plan_of(await_response, by::close);
    report seen = with_looks(done, ownerless(CLOSE), ownerless(CLOSE));
    seen.counters = counter_deltas{{"TCPTimeWaitOverflow", 1}};
    CHECK(codes(judged(seen)) == "time_wait_overflow");
    CHECK(judged(seen).verdict == verdict::unverified);
    seen.counters = counter_deltas{{"TCPTimeWaitOverflow", 0}};
    CHECK(judged(seen).verdict == verdict::released);
    report stalled = seen;
    stalled.plan.after = after_action::stall; // no FIN_WAIT2 minisock either (rule 35)
    stalled.counters = counter_deltas{{"TCPTimeWaitOverflow", 1}};
    CHECK(codes(judged(stalled)) == "time_wait_overflow");
    report waiting = foreseen(done);
    waiting.counters = counter_deltas{{"TCPTimeWaitOverflow", 1}};
    CHECK(judged(waiting).as_expected);
    report reset = foreseen(plan_of(await_response, by::reset));
    reset.counters = counter_deltas{{"TCPTimeWaitOverflow", 1}};
    CHECK(judged(reset).as_expected);
}

TEST_CASE("counters that do not bear a reason out are a warning, not a verdict")
{
    report seen = foreseen(plan_of(await_response, by::close));
    seen.counters = counter_deltas{{"TCPTimeWaited", 0}};
    CHECK(judged(seen).as_expected);
    REQUIRE(judged(seen).warnings.size() == 1);
    CHECK(judged(seen).warnings.front().find("TCPTimeWaited") != std::string::npos);
    seen.counters = counter_deltas{{"TCPTimeWaited", 1}};
    CHECK(judged(seen).warnings.empty());
    seen.counters = counter_deltas{};
    CHECK(judged(seen).warnings.empty());
}

TEST_CASE("looks that cannot both be true are unverified")
{
    const plan done = plan_of(await_response, by::close);
    CHECK(
        codes(judged(with_looks(done, ownerless(CLOSE), owned(ESTABLISHED)))) ==
        "contradictory_looks"
    );
    CHECK(
        codes(judged(with_looks(done, ownerless(TIME_WAIT), ownerless(FIN_WAIT2)))) ==
        "contradictory_looks"
    );
    CHECK(codes(judged(with_looks(done, ownerless(ESTABLISHED), {}))) == "unexpected_state");
}

TEST_CASE("the worst connection gives the verdict and the first reasons")
{
    const plan done = plan_of(await_response, by::close);
    report seen = foreseen(done);
    const connection good = seen.connections.front();
    connection drains = good;
    drains.client->after_origin = ownerless(FIN_WAIT2);
    connection unknown = good;
    unknown.client.reset();
    connection leaks = good;
    leaks.client->after_kill = owned(ESTABLISHED);
    leaks.client->after_origin = owned(CLOSE_WAIT);

    seen.connections = {good, good};
    CHECK(judged(seen).as_expected);
    CHECK(judged(seen).end_state == TIME_WAIT);
    CHECK(codes(judged(seen)) == "fin_exchange");

    seen.connections = {good, drains};
    CHECK(judged(seen).verdict == verdict::draining);
    CHECK_FALSE(judged(seen).end_state);

    seen.connections = {good, drains, unknown};
    CHECK(judged(seen).verdict == verdict::unverified);
    CHECK(judged(seen).reasons.front().code == "no_client_end");

    seen.connections = {good, drains, leaks, unknown};
    const judgement made = judged(seen);
    CHECK(made.verdict == verdict::leaked);
    CHECK(made.reasons.front().code == "leak_established");
    REQUIRE(made.connections.size() == 4);
    CHECK(made.connections[0].verdict == verdict::released);
    CHECK(made.connections[1].verdict == verdict::draining);
    CHECK(made.connections[2].verdict == verdict::leaked);
    CHECK(made.connections[3].verdict == verdict::unverified);
    CHECK(made.connections[0].gone_by_ns.has_value());
}

TEST_CASE("two released ends that differ have no common end")
{
    const plan done = plan_of(await_response, by::close);
    report seen = foreseen(done);
    connection gone = seen.connections.front();
    gone.client->after_origin = ownerless(CLOSE);
    seen.connections.push_back(gone);
    const judgement made = judged(seen);
    CHECK(made.verdict == verdict::released);
    CHECK_FALSE(made.end_state);
    CHECK_FALSE(made.as_expected);
}

TEST_CASE("an impossible plan is unverified")
{
    report seen = foreseen(plan_of(await_response, by::close));
    seen.plan.subject = "curl";
    CHECK(codes(judged(seen)) == "impossible_plan");
    CHECK(judged(seen).expected == expectation{});
    CHECK_FALSE(judged(seen).as_expected);
}

TEST_CASE("empty and broken reports are unverified and never throw")
{
    for (const plan& done : every_plan()) {
        report empty;
        empty.plan = done;
        CHECK(judged(empty).verdict == verdict::unverified);
        CHECK_FALSE(judged(empty).reasons.empty());

        report blank = empty;
        blank.kill.confirmed_by = "seen";
        if (done.at != resolve && done.by != by::inherit)
            CHECK(codes(judged(blank)) == "no_connection");
        blank.connections.resize(3);
        CHECK(judged(blank).verdict == verdict::unverified);
        for (connection& each : blank.connections) {
            each.client.emplace();
            each.client->cookie = 5;
        }
        CHECK(judged(blank).verdict == verdict::unverified);
        blank.connections.front().client->cookie = 0;
        CHECK(judged(blank).verdict == verdict::unverified);
    }
    CHECK(judged(report{}).verdict == verdict::unverified);
}

TEST_CASE("settling writes everything into the report and keeps what was there")
{
    report seen = foreseen(plan_of(await_response, by::close));
    seen.warnings = {"before"};
    seen.counters = counter_deltas{{"TCPTimeWaited", 0}};
    const judgement made = judged(seen);
    settle(seen, made);
    CHECK(seen.verdict == made.verdict);
    CHECK(seen.end_state == made.end_state);
    CHECK(seen.expected == made.expected);
    CHECK(seen.as_expected);
    CHECK(seen.reasons == made.reasons);
    CHECK(seen.kill == made.kill);
    CHECK(seen.warnings.size() == 2);
    CHECK(seen.warnings.front() == "before");
    CHECK(seen.connections.front().verdict == verdict::released);
    CHECK(seen.connections.front().end_state == TIME_WAIT);
    CHECK(seen.connections.front().gone_by_ns.has_value());
    CHECK_FALSE(seen.control);
}

TEST_CASE("settling a judgement of another shape touches only what both have")
{
    report seen = foreseen(plan_of(await_response, by::close));
    judgement none;
    settle(seen, none);
    CHECK(seen.verdict == verdict::unverified);
    judgement many;
    many.connections.resize(5);
    settle(seen, many);
    CHECK(seen.connections.size() == 1);
}

TEST_CASE("judging twice is judging once")
{
    for (const plan& done : every_plan()) {
        const report once = settled(foreseen(done));
        CHECK(settled(once) == once);
    }
}

TEST_CASE("a server of somebody else is explained by what is known of it")
{
    plan done = plan_of(await_response, by::close);
    done.target = "http://127.0.0.1/";
    report seen = with_looks(done, ownerless(FIN_WAIT2), ownerless(CLOSE));
    seen.connections.front().origin.reset();
    CHECK(codes(judged(seen)) == "server_reset");
    CHECK(judged(seen).as_expected);
    seen.connections.front().client->after_origin = ownerless(TIME_WAIT);
    CHECK(codes(judged(seen)) == "fin_exchange");
    seen.connections.front().client->after_origin = ownerless(FIN_WAIT2);
    CHECK(codes(judged(seen)) == "peer_not_closed");
    CHECK(judged(seen).as_expected);
    seen.connections.front().client->unread_at_kill_bytes = 99;
    seen.connections.front().client->after_kill = ownerless(CLOSE);
    seen.connections.front().client->after_origin = ownerless(CLOSE);
    CHECK(codes(judged(seen)) == "reset_unread_data");
}

TEST_SUITE_END();
