#include "web/json/service.hpp"

#include "web/json/read.hpp"
#include "web/json/render.hpp"
#include "web/json/time.hpp"

#include <algorithm>

namespace finwait::json {

namespace {

document render_checks(const health_checks& what)
{
    auto checks = document::object();
    for (const auto& [name, check] : what) {
        auto& one = checks[name] = {{"status", word(check.status)}};
        if (!check.detail.empty())
            one["detail"] = check.detail;
    }
    return checks;
}

document render_last(const std::optional<last_audit>& what)
{
    if (!what)
        return nullptr;
    return document{{"id", what->id}, {"outcome", word(what->outcome)}, {"at", to_text(what->at)}};
}

document render_time(const std::optional<std::chrono::system_clock::time_point>& what)
{
    return what ? document(to_text(*what)) : document();
}

document render_audits(const std::vector<scheduled_audit>& what)
{
    auto audits = document::array();
    for (const scheduled_audit& each : what)
        audits.push_back(
            {{"name", each.name},
             {"last", render_last(each.last)},
             {"running", each.running ? document(*each.running) : document()},
             {"next", render_time(each.next)},
             {"missed", each.missed}}
        );
    return audits;
}

document render_findings(const finding_counts& what)
{
    return {{"new", what.new_ones}, {"still_there", what.still_there}, {"gone", what.gone}};
}

document render_waiting(const waiting_counts& what)
{
    return {{"audits", what.audits}, {"probes", what.probes}};
}

document render_part(const web::problem_part& what)
{
    document part = document::object();
    if (!what.pointer.empty())
        part["pointer"] = what.pointer;
    part["detail"] = what.detail;
    if (!what.file.empty())
        part["file"] = what.file;
    if (what.line != 0)
        part["line"] = what.line;
    if (what.column != 0)
        part["column"] = what.column;
    return part;
}

} // namespace

static void decode(const value& from, const place& at, fault& why, last_audit& out)
{
    object_reader in(from, at, why);
    in.need("id", out.id);
    in.need("outcome", out.outcome);
    in.need("at", out.at);
    in.finish_known();
}

static void decode(const value& from, const place& at, fault& why, scheduled_audit& out)
{
    object_reader in(from, at, why);
    in.need("name", out.name);
    in.need("last", out.last);
    in.need("running", out.running);
    in.need("next", out.next);
    in.need("missed", out.missed);
    in.finish_known();
}

static void decode(const value& from, const place& at, fault& why, finding_counts& out)
{
    object_reader in(from, at, why);
    in.need("new", out.new_ones);
    in.need("still_there", out.still_there);
    in.need("gone", out.gone);
    in.finish_known();
}

static void decode(const value& from, const place& at, fault& why, waiting_counts& out)
{
    object_reader in(from, at, why);
    in.need("audits", out.audits);
    in.need("probes", out.probes);
    in.finish_known();
}

static void decode(const value& from, const place& at, fault& why, health_check& out)
{
    object_reader in(from, at, why);
    in.need("status", out.status);
    in.may("detail", out.detail);
    in.finish_known();
}

static void decode(const value& from, const place& at, fault& why, self_facts& out)
{
    object_reader in(from, at, why);
    in.need("fds", out.fds);
    in.need("sockets", out.sockets);
    in.need("rss_bytes", out.rss_bytes);
    in.need("workers", out.workers);
    in.finish_known();
}

std::string dump(const service_status& what, self_part self)
{
    document whole{
        {"schema", "finwait.status/1"},
        {"status", word(what.status)},
        {"version", what.version},
        {"started", to_text(what.started)},
        {"last_audit", render_last(what.last_audit)},
        {"next_audit", render_time(what.next_audit)},
        {"open_findings", what.open_findings},
        {"findings", render_findings(what.findings)},
        {"audits", render_audits(what.audits)},
        {"waiting", render_waiting(what.waiting)},
        {"index", what.index},
        {"checks", render_checks(what.checks)},
    };
    if (self == self_part::with)
        whole["self"] = {
            {"fds", what.self.fds},
            {"sockets", what.self.sockets},
            {"rss_bytes", what.self.rss_bytes},
            {"workers", what.self.workers}};
    return to_text(whole);
}

parsed<service_status> parse_status(std::string_view text)
{
    fault why;
    const value from = parse_object(text, why);
    if (why)
        return why.error();
    service_status out;
    const place top{};
    object_reader in(from, top, why);
    in.need_schema("finwait.status/1");
    in.need("status", out.status);
    in.need("version", out.version);
    in.need("started", out.started);
    in.need("last_audit", out.last_audit);
    in.need("next_audit", out.next_audit);
    in.need("open_findings", out.open_findings);
    in.need("findings", out.findings);
    in.need("audits", out.audits);
    in.need("waiting", out.waiting);
    in.need("index", out.index);
    in.need("checks", out.checks);
    in.need("self", out.self);
    in.finish_known();
    if (why)
        return why.error();
    return out;
}

std::string dump(const web::page& what)
{
    std::string text = R"({"schema":"finwait.audits/1","audits":[)";
    for (const auto& each : what.items) {
        if (text.back() == '}')
            text += ',';
        text += *each;
    }
    return text += R"(],"next":)" + to_text(render(what.next)) + "}";
}

std::string dump(const web::problem& what, std::string_view instance)
{
    std::string type = "urn:finwait:problem:" + std::string(word(what.code));
    std::replace(type.begin(), type.end(), '_', '-');
    document whole{
        {"type", type},
        {"title", web::title_of(what.code)},
        {"status", web::status_of(what.code)},
        {"code", word(what.code)},
        {"detail", what.detail},
    };
    if (!instance.empty())
        whole["instance"] = instance;
    for (const auto& each : what.errors)
        whole["errors"].push_back(render_part(each));
    return to_text(whole);
}

} // namespace finwait::json
