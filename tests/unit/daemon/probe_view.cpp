// The text of one probe as a golden text.
#include "daemon/probe_view.hpp"

#include "tests/unit/daemon/sample.hpp"

#include <doctest/doctest.h>

using namespace finwait;
using namespace finwait::daemon;

namespace {

report a_close()
{
    report r = sample::cell(kill_point::await_response, kill_method::close);
    r.id = "01K00000000000000000000000";
    r.took_ns = 148'000'000;
    r.kill = {true, "the origin saw the FIN", 1'830'000};
    connection one;
    end client{.cookie = 0x1001};
    client.local = loopback(address_family::ipv4, 41312);
    client.peer = loopback(address_family::ipv4, 42555);
    client.states = {
        {tcp_state::ESTABLISHED, 90'000, 1'830'000, 20'000, true, false, witness::sock_diag},
        {tcp_state::FIN_WAIT2, 2'400'000, std::nullopt, 600'000, false, true, witness::sock_diag}};
    client.after_kill = look{
        .state = tcp_state::FIN_WAIT2,
        .minisock = true,
        .timer = tcp_timer::timewait,
        .expires_ms = 59990,
        .at_ns = 44'000'000};
    client.after_origin = look{.state = tcp_state::CLOSE, .at_ns = 61'000'000};
    client.port = {
        .bindable_after_kill = false, .bindable_after_origin = true, .error = "EADDRINUSE"};
    end origin;
    origin.states = {{tcp_state::ESTABLISHED, 95'000, 2'400'000, 0, true, false, witness::socket}};
    origin.after_kill =
        look{.state = tcp_state::CLOSE_WAIT, .owned = true, .rqueue = 1, .at_ns = 44'000'000};
    one.client = client;
    one.origin = origin;
    one.request_bytes = 120;
    one.gone_by_ns = 67'595'000'000;
    r.connections = {one};
    r.reasons = {{"fin_exchange", "Both sides closed.", "RFC 9293 3.6"}};
    r.counters = counter_deltas{{"TCPTimeWaited", 1}, {"EstabResets", 0}};
    r.warnings = {"a \x1b[31mwarning"};
    return r;
}

} // namespace

TEST_SUITE_BEGIN("daemon/probe_view");

TEST_CASE("both ends stand side by side on one axis, with the kill and the looks between")
{
    CHECK(
        show(a_close(), {}) ==
        "await_response by close, http\n"
        "  ✓ released TIME_WAIT (as expected)\n"
        "  the kill is confirmed by: the origin saw the FIN\n"
        "\n"
        "  127.0.0.1:41312 -> 127.0.0.1:42555  cookie 0x1001; at the kill 0 B unread, 0 B unsent; "
        "the origin read 120 B, wrote 0 B\n"
        "\n"
        "  time        client                                 origin\n"
        "  +90.0 us    ESTABLISHED (open, ≤20.0 us late)\n"
        "  +95.0 us                                           ESTABLISHED (open)\n"
        "  +1.83 ms    ── kill: close "
        "────────────────────────────────────────────────────────────\n"
        "  +2.40 ms    FIN_WAIT2 (minisock, ≤600 us late)\n"
        "  +44.0 ms    ── first look, the origin still stalls "
        "────────────────────────────────────\n"
        "              FIN_WAIT2 (minisock, timewait 60.0 s)  CLOSE_WAIT (open, queues 1/0)\n"
        "  +61.0 ms    ── second look, the origin has let go "
        "─────────────────────────────────────\n"
        "              CLOSE (gone)                           not seen\n"
        "\n"
        "  can the port 41312 be bound? after the kill: no (EADDRINUSE); after the origin let go: "
        "yes\n"
        "  the kernel is rid of it by +67.6 s\n"
        "\n"
        "Why\n"
        "  fin_exchange\n"
        "    Both sides closed.\n"
        "    [RFC 9293 3.6]\n"
        "\n"
        "  TCP counters: TCPTimeWaited +1\n"
        "  warning: a \\x1b[31mwarning\n"
        "  report 01K00000000000000000000000, 148 ms\n"
    );
}

TEST_CASE("what both ends were seen in at the same time is one line")
{
    report r = a_close();
    r.connections[0].origin->states[0].from_ns = 90'000;
    CHECK(
        show(r, {}).find("  +90.0 us    ESTABLISHED (open, ≤20.0 us late)      ESTABLISHED (open)\n"
        ) != std::string::npos
    );
}

TEST_CASE("a control says whether it was caught")
{
    CHECK(
        show(sample::control(verdict::leaked), {}).find("a control, caught") != std::string::npos
    );
    CHECK(
        show(sample::control(verdict::released), {}).find("a control, NOT caught") !=
        std::string::npos
    );
}

TEST_CASE("of a program's output the last lines are shown, and whether it still works")
{
    report r = sample::cell(kill_point::await_response, kill_method::own);
    r.process = process_record{.pid = 1, .command = {"c"}, .lives = true, .works = false};
    r.process->output = "first\nsecond\x1b\n";
    auto text = show(r, {});
    CHECK(text.find("  its output:\n    first\n    second\\x1b\n") != std::string::npos);
    CHECK(text.find("failed, the client is dead\n") != std::string::npos);
    for (int i = 0; i < 100; ++i)
        r.process->output += "line " + std::to_string(i) + "\n";
    r.process->output += std::string(10'000, 'x');
    r.process->works = true;
    text = show(r, {});
    CHECK(text.find("but for its first 91 lines:\n    line 89\n") != std::string::npos);
    CHECK(text.find("line 99\n") != std::string::npos);
    CHECK(text.find(std::string(201, 'x')) == std::string::npos);
    CHECK(text.find(std::string(200, 'x') + "…\n") != std::string::npos);
    CHECK(text.find("afterwards: answered\n") != std::string::npos);
}

TEST_CASE("what was counted of a process is shown where there is something")
{
    report r = sample::cell(kill_point::await_response, kill_method::own);
    r.process = process_record{.pid = 1, .command = {"c"}, .lives = true};
    CHECK(show(r, {}).find("beyond") == std::string::npos);
    CHECK(show(r, {}).find("successes leave") == std::string::npos);
    r.process->baseline = 2;
    r.process->baseline_source = baseline_source::measured;
    r.process->zombie_fds = 3;
    r.process->new_zombie_fds = 1;
    r.process->extra_requests = 4;
    const auto text = show(r, {});
    CHECK(text.find("its successes leave open: 2, measured\n") != std::string::npos);
    CHECK(text.find("no listing shows: 3, 1 of them new") != std::string::npos);
    CHECK(text.find("requests beyond those asked for: 4\n") != std::string::npos);
    r.process->baseline_source = baseline_source::recipe;
    CHECK(show(r, {}).find("open: 2, its recipe says\n") != std::string::npos);
}

TEST_CASE("a process and a holder are shown with their own words escaped")
{
    report r = a_close();
    r.connections[0].client->holders = {{4711, 5, "sleep\n1000"}};
    r.process = process_record{
        .pid = 4711, .command = {"finwait", "client"}, .ended = "signal 9", .output = "\x1b]0;x\a"};
    const std::string text = show(r, {});
    CHECK(text.find("held by pid 4711 fd 5: sleep\\x0a1000\n") != std::string::npos);
    CHECK(text.find("process 4711 (finwait client): signal 9\n") != std::string::npos);
    CHECK(text.find("its output: \\x1b]0;x\\x07\n") != std::string::npos);
}

TEST_CASE("a probe without a connection says so")
{
    report r = sample::cell(kill_point::resolve, kill_method::cancel);
    r.end_state.reset();
    r.kill = {};
    const std::string text = show(r, {});
    CHECK(text.find("there is no connection") != std::string::npos);
    CHECK(text.find("the kill did not happen") != std::string::npos);
}

TEST_SUITE_END();
