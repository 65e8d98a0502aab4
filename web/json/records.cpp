#include "web/json/records.hpp"

#include "web/json/render.hpp"
#include "web/json/time.hpp"

#include <fmt/format.h>

namespace finwait::json {

namespace {

std::string path_of(std::string_view kind, const std::string& id)
{
    return "/api/v1/" + std::string(kind) + "/" + id;
}

document render_one(const web::subject_record& what)
{
    return document{
        {"name", what.name},
        {"about", what.about},
        {"kind", what.kind},
        {"version", render(what.version)},
        {"present", what.is_present},
        {"why_absent", what.why_absent},
        {"install", what.install},
        {"modes", document(what.modes)},
        {"at", render_list(what.at)},
        {"by", render_list(what.by)},
        {"framings", render_list(what.framings)},
        {"tls", what.tls},
    };
}

document render_one(const web::target_record& what)
{
    return document{
        {"name", what.name},
        {"url", what.url.empty() ? document() : document(what.url)},
        {"allow", document(what.allow)},
        {"tls", what.tls ? render(*what.tls) : document()},
    };
}

document render_one(const web::audit_settings_record& what)
{
    return document{
        {"name", what.name},
        {"at", document(what.at)},
        {"by", document(what.by)},
        {"subjects", document(what.subjects)},
        {"target", what.target},
        {"tls", what.tls},
        {"ipv6", what.ipv6},
        {"repeat", what.repeat},
        {"every_ns", what.every ? document(what.every->count()) : document()},
        {"calendar", render(what.calendar)},
    };
}

template <class Record>
document render_all(const std::vector<Record>& what)
{
    auto list = document::array();
    for (const auto& each : what)
        list.push_back(render_one(each));
    return list;
}

} // namespace

std::string dump(const web::audit_record& what)
{
    document whole{{"schema", "finwait.audit/1"}, {"id", what.id}};
    if (!what.name.empty())
        whole["name"] = what.name;
    whole["state"] = word(what.state);
    whole["started"] = what.started ? document(to_text(*what.started)) : document();
    whole["progress"] = {{"planned", what.planned}, {"done", what.done}};
    whole["links"] = {
        {"self", path_of("audits", what.id)}, {"events", "/api/v1/events?audit=" + what.id}};
    return to_text(whole);
}

std::string dump(const web::probe_record& what)
{
    const bool has_report = what.state == web::run_state::done && what.why.empty();
    document links{{"self", path_of("probes", what.id)}};
    if (has_report) {
        links["report"] = path_of("reports", what.id);
        links["log"] = path_of("reports", what.id) + "/log";
    }
    document whole{
        {"schema", "finwait.probe/1"},
        {"id", what.id},
        {"state", word(what.state)},
        {"plan", render(what.plan)},
        {"links", std::move(links)},
    };
    if (!what.why.empty())
        whole["why"] = what.why;
    return to_text(whole);
}

std::string dump(const std::vector<web::subject_record>& what)
{
    return to_text(document{{"schema", "finwait.subjects/1"}, {"subjects", render_all(what)}});
}

std::string dump(const std::vector<web::target_record>& what)
{
    return to_text(document{{"schema", "finwait.targets/1"}, {"targets", render_all(what)}});
}

std::string dump(const web::settings_record& what)
{
    return to_text(document{
        {"schema", "finwait.settings/1"},
        {"serve",
         {{"unix", render(what.unix_path)},
          {"tcp", render(what.tcp)},
          {"tcp_writes", what.tcp_writes},
          {"token", what.tcp_writes == "token" ? document("<redacted>") : document()},
          {"allowed_hosts", document(what.allowed_hosts)}}},
        {"history",
         {{"path", render(what.history_path)},
          {"keep_expected_ns", what.keep_expected.count()},
          {"keep_findings_ns", what.keep_findings.count()},
          {"max_bytes", what.history_max_bytes}}},
        {"limits",
         {{"workers", what.workers},
          {"in_flight", what.in_flight},
          {"queue", what.queue},
          {"audit_queue", what.audit_queue},
          {"per_target_interval_ns", what.per_target_interval.count()}}},
        {"subject_directories", document(what.subject_directories)},
        {"targets", render_all(what.targets)},
        {"audits", render_all(what.audits)},
        {"warnings", document(what.warnings)},
    });
}

std::string dump(const web::report_event& what)
{
    return to_text(document{
        {"schema", "finwait.report_event/1"},
        {"id", what.id},
        {"audit", what.audit.empty() ? document() : document(what.audit)},
        {"at", word(what.at)},
        {"by", word(what.by)},
        {"subject", what.subject},
        {"verdict", word(what.verdict)},
        {"as_expected", what.as_expected},
        {"control", what.is_control},
    });
}

std::string dump_config_event(std::string_view detail)
{
    document whole{{"schema", "finwait.config_event/1"}, {"loaded", detail.empty()}};
    if (!detail.empty())
        whole["detail"] = detail;
    return to_text(whole);
}

std::string dump_resync(std::uint64_t newest)
{
    return to_text(document{{"schema", "finwait.resync/1"}, {"newest", newest}});
}

std::string dump_page(std::string_view name, const web::page& what)
{
    auto text = fmt::format(R"({{"schema":"finwait.{}/1","{}":[)", name, name);
    for (const auto& each : what.items) {
        text += *each;
        text += ',';
    }
    if (!what.items.empty())
        text.pop_back();
    return text += R"(],"next":)" + to_text(render(what.next)) + "}";
}

std::string pointer_of(std::string_view field)
{
    std::string out;
    if (!field.empty() && field.front() != '[')
        out = '/';
    for (const char c : field)
        if (c == '.' || c == '[')
            out += '/';
        else if (c == '~')
            out += "~0";
        else if (c == '/')
            out += "~1";
        else if (c != ']')
            out += c;
    return out;
}

} // namespace finwait::json
