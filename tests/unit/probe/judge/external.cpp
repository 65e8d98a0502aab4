// The judgement of other programs' clients, from looks that are made up.
#include "probe/judge/external.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace finwait;
using namespace finwait::judge;

namespace {

constexpr std::int64_t killed_ns = 1'000'000;

look seen_as(tcp_state state, bool owned, std::uint32_t rqueue = 0)
{
    look out;
    out.state = state;
    out.owned = owned;
    out.rqueue = rqueue;
    out.at_ns = killed_ns + 1'000'000;
    return out;
}

connection connection_seen(const look& first, const look& second)
{
    connection out;
    end& client = out.client.emplace();
    client.cookie = 7;
    client.inode = 11;
    client.states = {{tcp_state::ESTABLISHED, 1, killed_ns, 1, true, false, witness::sock_diag}};
    client.after_kill = first;
    client.after_origin = second;
    out.request_bytes = 80;
    return out;
}

/// A driver that has said that it is done and lives on.
report report_of(kill_point at, kill_method by)
{
    report out;
    out.plan.subject = "client";
    out.plan.at = at;
    out.plan.by = by;
    out.kill.at_ns = killed_ns;
    out.kill.confirmed_by = "it said that it is done";
    auto& process = out.process.emplace();
    process.pid = 4711;
    process.lives = true;
    process.is_done = true;
    return out;
}

report judged(report seen)
{
    settle(seen, judge_external(seen, {}, {}));
    return seen;
}

bool names(const report& seen, const std::string& code)
{
    return std::ranges::any_of(seen.reasons, [&](const reason& each) { return each.code == code; });
}

} // namespace

TEST_SUITE_BEGIN("probe/judge/external");

TEST_CASE("an open connection of a client that lives on is a leak, of which kind its queues say")
{
    struct row
    {
        const char* code;
        look first;
        bool complete;
        std::uint64_t request_bytes;
        bool is_done;
    };
    const row rows[] = {
        {"leak_established", seen_as(tcp_state::ESTABLISHED, true), false, 80, true},
        {"unread_response", seen_as(tcp_state::ESTABLISHED, true, 9), false, 80, true},
        {"unread_response", seen_as(tcp_state::ESTABLISHED, true, 9), true, 80, true},
        {"extra_connection", seen_as(tcp_state::ESTABLISHED, true), false, 0, true},
        {"not_cancelled", seen_as(tcp_state::ESTABLISHED, true), false, 80, false},
        {"not_cancelled", seen_as(tcp_state::SYN_SENT, true), false, 0, false},
        {"leak_syn_sent", seen_as(tcp_state::SYN_SENT, true), false, 0, true},
        {"leak_close_wait", seen_as(tcp_state::CLOSE_WAIT, true, 1), false, 80, true},
        {"pooled_dead", seen_as(tcp_state::CLOSE_WAIT, true, 1), true, 80, true},
        {"leak_zombie_fd", seen_as(tcp_state::CLOSE, true), true, 80, true},
    };
    for (const row& each : rows) {
        CAPTURE(each.code);
        report seen = report_of(kill_point::await_response, kill_method::own);
        seen.process->is_done = each.is_done;
        auto one = connection_seen(each.first, seen_as(tcp_state::CLOSE, false));
        one.complete = each.complete;
        one.request_bytes = each.request_bytes;
        seen.connections = {one};
        seen = judged(seen);
        CHECK(seen.verdict == verdict::leaked);
        CHECK(is_finding(seen));
        CHECK(names(seen, each.code));
    }
}

TEST_CASE("a complete exchange at rest is held, as many as the baseline says")
{
    report seen = report_of(kill_point::idle, kill_method::own);
    auto one = connection_seen(
        seen_as(tcp_state::ESTABLISHED, true), seen_as(tcp_state::CLOSE_WAIT, true, 1)
    );
    one.complete = true;
    seen.connections = {one, one};
    SUBCASE("within it")
    {
        seen.process->baseline = 2;
        seen = judged(seen);
        CHECK(seen.verdict == verdict::held);
        CHECK(seen.as_expected);
        CHECK(names(seen, "pooled_idle"));
    }
    SUBCASE("beyond it")
    {
        seen.process->baseline = 1;
        seen = judged(seen);
        CHECK(seen.connections[0].verdict == verdict::held);
        CHECK(seen.connections[1].verdict == verdict::leaked);
        CHECK(names(seen, "pool_growth"));
        CHECK(is_finding(seen));
    }
    SUBCASE("not known")
    {
        CHECK(judged(seen).verdict == verdict::held);
    }
    SUBCASE("but not where the exchange was to be broken off")
    {
        seen.plan.at = kill_point::await_response;
        CHECK(is_finding(judged(seen)));
    }
}

TEST_CASE("of a dead process nothing may stay open, and what does is named")
{
    report seen = report_of(kill_point::await_response, kill_method::sigkill);
    seen.process->lives = false;
    seen.process->ended = "signal 9";
    seen.connections = {connection_seen(
        seen_as(tcp_state::FIN_WAIT2, false), seen_as(tcp_state::TIME_WAIT, false)
    )};
    CHECK(judged(seen).verdict == verdict::released);
    CHECK(judged(seen).end_state == tcp_state::TIME_WAIT);

    auto& client = *seen.connections.front().client;
    client.after_kill = seen_as(tcp_state::ESTABLISHED, true);
    client.after_origin = seen_as(tcp_state::CLOSE_WAIT, true, 1);
    client.holders = {{4712, 5, "daemon"}};
    seen = judged(seen);
    CHECK(seen.verdict == verdict::leaked);
    CHECK(names(seen, "leak_hidden_holder"));
    CHECK_FALSE(names(seen, "ends_with_process"));
}

TEST_CASE("a stopped process holds what it has")
{
    report seen = report_of(kill_point::await_response, kill_method::stop);
    seen.connections = {connection_seen(
        seen_as(tcp_state::ESTABLISHED, true), seen_as(tcp_state::CLOSE_WAIT, true, 1)
    )};
    CHECK(judged(seen).verdict == verdict::held);
    CHECK(judged(seen).as_expected);
}

TEST_CASE("a client that works no more is a finding with a clean kernel")
{
    report seen = report_of(kill_point::await_response, kill_method::own);
    seen.connections = {connection_seen(
        seen_as(tcp_state::FIN_WAIT2, false), seen_as(tcp_state::TIME_WAIT, false)
    )};
    seen.process->works = false;
    seen = judged(seen);
    CHECK(seen.verdict == verdict::released);
    CHECK(is_finding(seen));
    CHECK(seen.reasons.front().code == "client_dead");
}

TEST_CASE("a client that is still in its call is not called dead")
{
    report seen = report_of(kill_point::await_response, kill_method::own);
    seen.process->is_done = false;
    seen.connections = {connection_seen(
        seen_as(tcp_state::ESTABLISHED, true), seen_as(tcp_state::CLOSE_WAIT, true, 1)
    )};
    seen = judged(seen);
    CHECK(seen.verdict == verdict::leaked);
    CHECK(names(seen, "not_cancelled"));
    CHECK_FALSE(names(seen, "client_dead"));
}

TEST_CASE("sockets that no listing shows are a leak when they are new")
{
    report seen = report_of(kill_point::await_response, kill_method::own);
    seen.connections = {connection_seen(
        seen_as(tcp_state::FIN_WAIT2, false), seen_as(tcp_state::TIME_WAIT, false)
    )};
    seen.process->zombie_fds = 3;
    SUBCASE("those that were there before are none")
    {
        CHECK(judged(seen).verdict == verdict::released);
        CHECK(judged(seen).as_expected);
    }
    SUBCASE("of a client that lives on")
    {
        seen.process->new_zombie_fds = 2;
        seen = judged(seen);
        CHECK(seen.verdict == verdict::leaked);
        CHECK_FALSE(seen.end_state);
        CHECK(is_finding(seen));
        CHECK(seen.reasons.front().code == "leak_zombie_fd");
        CHECK(seen.reasons.front().text.find("2 that were not there") != std::string::npos);
        CHECK(seen.connections.front().verdict == verdict::released);
    }
    SUBCASE("a stopped process can close none")
    {
        seen.plan.by = kill_method::stop;
        seen.process->new_zombie_fds = 2;
        CHECK_FALSE(names(judged(seen), "leak_zombie_fd"));
    }
}

TEST_CASE("a connection in CLOSE with its descriptor is told once")
{
    report seen = report_of(kill_point::await_response, kill_method::peer_reset);
    auto one = connection_seen(seen_as(tcp_state::CLOSE, true), seen_as(tcp_state::CLOSE, true));
    one.client->holders = {{4711, 5, "client"}};
    seen.connections = {one};
    seen.process->zombie_fds = 1;
    seen = judged(seen);
    CHECK(seen.verdict == verdict::leaked);
    CHECK(std::ranges::count_if(seen.reasons, [](const reason& each) {
              return each.code == "leak_zombie_fd";
          }) == 1);
}

TEST_CASE("what is expected of a program is asked for in the same place as of the built-in client")
{
    plan what;
    what.subject = "client";
    what.at = kill_point::idle;
    what.by = kill_method::own;
    CHECK((expected_of(what) == expected_of_external(what)));
    CHECK((expected_of(what).verdicts == std::vector{verdict::released, verdict::held}));
    what.at = kill_point::await_response;
    CHECK((expected_of(what).verdicts == std::vector{verdict::released}));
}

TEST_CASE("a retry is no part of the verdict")
{
    report seen = report_of(kill_point::await_response, kill_method::own);
    seen.connections = {connection_seen(
        seen_as(tcp_state::FIN_WAIT2, false), seen_as(tcp_state::TIME_WAIT, false)
    )};
    seen.process->extra_requests = 3;
    CHECK(judged(seen).verdict == verdict::released);
    CHECK(judged(seen).as_expected);
}

TEST_CASE("what is not proved is not judged")
{
    report seen = report_of(kill_point::await_response, kill_method::sigkill);
    seen.kill.confirmed_by.clear();
    CHECK(judged(seen).verdict == verdict::unverified);
    seen = report_of(kill_point::await_response, kill_method::own);
    CHECK(judged(seen).verdict == verdict::unverified); // no connection
    seen.connections = {connection{}};
    CHECK(judged(seen).verdict == verdict::unverified); // no client's end
}

TEST_CASE("a misuse must leak")
{
    report seen = report_of(kill_point::await_response, kill_method::own);
    seen.control = true;
    seen.connections = {connection_seen(
        seen_as(tcp_state::ESTABLISHED, true, 9), seen_as(tcp_state::CLOSE_WAIT, true, 9)
    )};
    CHECK(is_caught(judged(seen)));
    CHECK_FALSE(is_finding(judged(seen)));
    seen.connections = {connection_seen(
        seen_as(tcp_state::FIN_WAIT2, false), seen_as(tcp_state::TIME_WAIT, false)
    )};
    seen = judged(seen);
    CHECK(names(seen, "control_escaped"));
    CHECK_FALSE(is_caught(seen));
}

TEST_SUITE_END();
