// Reports as a worker wrote them.
#include "web/json/read.hpp"

#include <charconv>

namespace finwait::json {

namespace {

/// A socket's cookie: 64 bits, which JavaScript's numbers cannot hold.
struct cookie_of
{
    end& whole;
};

void decode(const value& from, const place& at, fault& why, cookie_of& out)
{
    std::string text;
    decode(from, at, why, text);
    const auto* begin = text.data() + std::min<std::size_t>(2, text.size());
    const auto* stop = text.data() + text.size();
    const auto [rest, problem] = std::from_chars(begin, stop, out.whole.cookie, 16);
    if (!text.starts_with("0x") || problem != std::errc() || rest != stop)
        why.refuse(at, "must be a cookie in hexadecimal, such as \"0x1001\"");
}

} // namespace

// Not in the unnamed namespace: argument-dependent look-up from the templates of read.hpp does
// not go there for the types of namespace finwait.

static void decode(const value& from, const place& at, fault& why, interval& out)
{
    object_reader in(from, at, why);
    in.need("state", out.state);
    in.need("from_ns", out.from_ns);
    in.need("to_ns", out.to_ns);
    in.need("uncertain_ns", out.uncertain_ns);
    in.need("owned", out.owned);
    in.need("minisock", out.minisock);
    in.need("source", out.source);
    in.finish();
}

static void decode(const value& from, const place& at, fault& why, look& out)
{
    object_reader in(from, at, why);
    in.need("state", out.state);
    in.need("owned", out.owned);
    in.need("minisock", out.minisock);
    in.need("timer", out.timer);
    in.need("expires_ms", out.expires_ms);
    in.need("rqueue", out.rqueue);
    in.need("wqueue", out.wqueue);
    in.need("retransmits", out.retransmits);
    in.need("at_ns", out.at_ns);
    in.finish();
}

static void decode(const value& from, const place& at, fault& why, port_answer& out)
{
    object_reader in(from, at, why);
    in.need("bindable_after_kill", out.bindable_after_kill);
    in.need("bindable_after_origin", out.bindable_after_origin);
    in.need("error", out.error);
    in.finish();
}

static void decode(const value& from, const place& at, fault& why, holder& out)
{
    object_reader in(from, at, why);
    in.need("pid", out.pid);
    in.need("fd", out.fd);
    in.need("command", out.command);
    in.finish();
}

static void decode(const value& from, const place& at, fault& why, end& out)
{
    object_reader in(from, at, why);
    cookie_of cookie{out};
    in.need("cookie", cookie);
    in.need("local", out.local);
    in.need("peer", out.peer);
    in.need("inode", out.inode);
    in.need("unread_at_kill_bytes", out.unread_at_kill_bytes);
    in.need("unsent_at_kill_bytes", out.unsent_at_kill_bytes);
    in.need("timeline", out.states);
    in.need("after_kill", out.after_kill);
    in.need("after_origin", out.after_origin);
    in.need("port", out.port);
    in.need("holders", out.holders);
    in.finish();
}

static void decode(const value& from, const place& at, fault& why, connection& out)
{
    object_reader in(from, at, why);
    in.need("client", out.client);
    in.need("origin", out.origin);
    in.need("request_bytes", out.request_bytes);
    in.need("response_bytes", out.response_bytes);
    in.need("complete", out.complete);
    in.need("verdict", out.verdict);
    in.need("end", out.end_state);
    in.need("gone_by_ns", out.gone_by_ns);
    in.finish();
}

static void decode(const value& from, const place& at, fault& why, kill_record& out)
{
    object_reader in(from, at, why);
    in.need("happened", out.happened);
    in.need("confirmed_by", out.confirmed_by);
    in.need("at_ns", out.at_ns);
    in.finish();
}

static void decode(const value& from, const place& at, fault& why, process_record& out)
{
    object_reader in(from, at, why);
    in.need("pid", out.pid);
    in.need("command", out.command);
    in.need("ended", out.ended);
    in.need("lives", out.lives);
    in.need("done", out.is_done);
    in.need("baseline", out.baseline);
    in.need("baseline_source", out.baseline_source);
    in.need("zombie_fds", out.zombie_fds);
    in.need("new_zombie_fds", out.new_zombie_fds);
    in.need("extra_requests", out.extra_requests);
    in.need("works", out.works);
    in.need("output", out.output);
    in.finish();
}

static void decode(const value& from, const place& at, fault& why, expectation& out)
{
    object_reader in(from, at, why);
    in.need("verdicts", out.verdicts);
    in.need("end", out.end_state);
    in.finish();
}

static void decode(const value& from, const place& at, fault& why, reason& out)
{
    object_reader in(from, at, why);
    in.need("code", out.code);
    in.need("text", out.text);
    in.need("source", out.source);
    in.finish();
}

void decode(const value& from, const place& at, fault& why, report& out)
{
    object_reader in(from, at, why);
    in.need_schema("finwait.report/1");
    in.need("id", out.id);
    in.need("started", out.started);
    in.need("took_ns", out.took_ns);
    in.need("control", out.control);
    in.need("plan", out.plan);
    in.need("kill", out.kill);
    in.need("connections", out.connections);
    in.need("process", out.process);
    in.need("counters", out.counters);
    in.need("verdict", out.verdict);
    in.need("end", out.end_state);
    in.need("expected", out.expected);
    in.need("as_expected", out.as_expected);
    in.need("reasons", out.reasons);
    in.need("warnings", out.warnings);
    in.finish();
}

parsed<report> parse_report(std::string_view text)
{
    fault why;
    const value from = parse_object(text, why);
    report out;
    if (!why)
        decode(from, place{}, why, out);
    if (why)
        return why.error();
    return out;
}

} // namespace finwait::json
