// Reports and audits for tests: one that says everything, one that says nothing.
#pragma once

#include "probe/model/audit.hpp"

namespace finwait::samples {

/// 2026-01-31T12:00:00.123456Z.
inline std::chrono::system_clock::time_point noon()
{
    using namespace std::chrono;
    return sys_days(2026y / January / 31) + 12h + 123456us;
}

inline endpoint at(std::uint16_t port, address_family family = address_family::ipv4)
{
    return loopback(family, port);
}

/// The client's end of the documentation's example.
inline end client_end()
{
    end e;
    e.cookie = 0x1001;
    e.local = at(41312);
    e.peer = at(42555);
    e.inode = 4026;
    e.unread_at_kill_bytes = 3;
    e.unsent_at_kill_bytes = 5;
    e.states = {
        {tcp_state::ESTABLISHED, 90000, 1830422, 20000, true, false, witness::sock_diag},
        {tcp_state::FIN_WAIT1, 2400000, 44100000, 600000, false, false, witness::socket},
        {tcp_state::FIN_WAIT2, 44100000, 61000000, 900000, false, true, witness::destroy_event},
        {tcp_state::TIME_WAIT, 61000000, std::nullopt, 400000, false, true, witness::sock_diag},
    };
    e.after_kill =
        look{tcp_state::FIN_WAIT2, false, true, tcp_timer::timewait, 59990, 0, 0, 0, 3000000};
    e.after_origin =
        look{tcp_state::TIME_WAIT, false, true, tcp_timer::timewait, 59998, 7, 1, 2, 62000000};
    e.port = {false, std::nullopt, "EADDRINUSE"};
    e.holders = {{4711, 17, "sleep"}, {4712, -1, "python3 client.py"}};
    return e;
}

/// Every member differs from its default, and the texts are as nasty as texts can be and still be
/// UTF-8.
inline report rich()
{
    report r;
    r.id = "01KG9BZ4W37V8ZJ1QYXR5S2T6M";
    r.started = noon();
    r.took_ns = 148210331;
    r.control = true;
    r.plan.at = kill_point::request_body;
    r.plan.by = kill_method::throw_;
    r.plan.subject = "requests \"2.28\"";
    r.plan.target = "https://example.test/\xC3\xA9?a=\\b";
    r.plan.target_tls = tls_settings{.ca = "/\xC3\xA9 \"ca\".pem", .min = tls_version::v1_3};
    r.plan.family = address_family::ipv6;
    r.plan.tls = true;
    r.plan.unread = true;
    r.plan.blocked = true;
    r.plan.position = 0.1;
    r.plan.method = "POST";
    r.plan.request = {framing::chunked, 8 * mebibyte};
    r.plan.response = {framing::until_close, 18446744073709551615U};
    r.plan.requests = 3;
    r.plan.signal_to = signal_target::group;
    r.plan.after = after_action::answer;
    r.kill = {true, "wait status: signal 9", 1830422};
    connection c;
    c.client = client_end();
    c.origin = client_end();
    c.origin->cookie = 0xffffffffffffffff;
    c.origin->local = at(1, address_family::ipv6);
    c.origin->after_kill.reset();
    c.request_bytes = 32911;
    c.response_bytes = 1;
    c.complete = true;
    c.verdict = verdict::released;
    c.end_state = tcp_state::TIME_WAIT;
    c.gone_by_ns = 67595000000;
    r.connections = {c, connection{}};
    r.process = process_record{
        .pid = 4711,
        .command = {"finwait", "client", ""},
        .ended = "signal 9",
        .lives = true,
        .is_done = true,
        .baseline = 4,
        .baseline_source = baseline_source::measured,
        .zombie_fds = 3,
        .new_zombie_fds = 2,
        .extra_requests = 5,
        .works = false,
        .output = "\x1b[2J\r\n\t\"\\\x01\xE2\x80\xAE"};
    r.counters = counter_deltas{{"TCPTimeWaited", 1}, {"TCPAbortOnData", 0}, {"CurrEstab", -2}};
    r.verdict = verdict::leaked;
    r.end_state = tcp_state::CLOSE;
    r.expected = {{verdict::released, verdict::draining}, tcp_state::TIME_WAIT};
    r.as_expected = true;
    r.reasons = {{"fin_exchange", "one \"sentence\"", "RFC 9293 3.6"}, {"", "", ""}};
    r.warnings = {"", std::string("nul \0 inside", 12), "</script>\xF0\x9F\x92\xA9"};
    return r;
}

/// As a plan that could not even start leaves it.
inline report minimal()
{
    report r;
    r.id = "01KG9BZ4W37V8ZJ1QYXR5S2T6N";
    r.started = noon();
    return r;
}

/// One with those two reports.
inline audit whole_audit()
{
    audit a;
    a.id = "01KG9BZ4W37V8ZJ1QYXR5S2T6P";
    a.started = noon();
    a.took_ns = 3;
    a.outcome = outcome::void_;
    for (const auto each : all_of<verdict>())
        a.summary[each] = static_cast<std::uint64_t>(each) + 10;
    a.controls_planned = 2;
    a.controls_caught = 1;
    a.findings = {"01KG9BZ4W37V8ZJ1QYXR5S2T6N"};
    a.environment.kernel = "6.18.0";
    a.environment.lab = lab_kind::namespace_;
    a.environment.not_run = {{"sock_destroy", "no right", "run as root"}};
    a.environment.sysctls = {{"tcp_fin_timeout", "60"}, {"ip_local_port_range", "32768\t60999"}};
    a.environment.capabilities = {"CAP_NET_ADMIN"};
    a.environment.observers = {"sock_diag", "destroy_events"};
    a.reports = {rich(), minimal()};
    return a;
}

} // namespace finwait::samples
