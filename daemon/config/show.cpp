#include "daemon/config/show.hpp"

#include "daemon/config/units.hpp"
#include "probe/model/endpoint.hpp"

#include <fmt/format.h>

#include <iterator>
#include <string_view>

namespace finwait::daemon {

namespace {

// A basic string, TOML 1.0: quotes, backslashes and control bytes are escaped.
std::string toml_text(std::string_view text)
{
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\')
            out += {'\\', c};
        else if (byte < 0x20 || byte == 0x7f)
            out += fmt::format("\\u{:04x}", byte);
        else
            out += c;
    }
    return out + '"';
}

template <class List>
std::string listed(const List& texts)
{
    std::string out = "[";
    for (const std::string& each : texts)
        out += (out.size() > 1 ? ", " : "") + toml_text(each);
    return out + "]";
}

// Lines of `key = value`.
class writer
{
public:
    void table(std::string_view head) { text_ += fmt::format("\n{}\n", head); }
    void line(std::string_view key, std::string_view value)
    {
        text_ += fmt::format("{} = {}\n", key, value);
    }
    void text(std::string_view key, std::string_view value) { line(key, toml_text(value)); }
    void number(std::string_view key, unsigned value) { line(key, std::to_string(value)); }
    void answer(std::string_view key, bool value) { line(key, value ? "true" : "false"); }
    void span(std::string_view key, std::chrono::milliseconds value)
    {
        text(key, show_span(value));
    }
    std::string written() && { return std::move(text_); }

private:
    std::string text_;
};

void write(writer& to, const serve_settings& what)
{
    to.table("[serve]");
    to.text("unix", what.unix_path ? what.unix_path->string() : "");
    to.text("tcp", what.tcp ? to_string(*what.tcp) : "");
    to.text("tcp_writes", what.tcp_writes == tcp_writes::token ? "token" : "never");
    to.line("allowed_hosts", listed(what.allowed_hosts));
}

void write(writer& to, const history_settings& what)
{
    to.table("[history]");
    to.text("path", what.path ? what.path->string() : "");
    to.line(
        "keep",
        fmt::format(
            R"({{ expected = "{}", finding = "{}" }})",
            show_span(what.keep_expected),
            show_span(what.keep_findings)
        )
    );
    to.text("max_bytes", show_bytes(what.max_bytes));
}

void write(writer& to, const limit_settings& what)
{
    to.table("[limits]");
    to.number("workers", what.workers);
    to.number("in_flight", what.in_flight);
    to.number("queue", what.queue);
    to.number("audit_queue", what.audit_queue);
    to.span("per_target_interval", what.per_target_interval);
}

void write(writer& to, const target_settings& what)
{
    std::vector<std::string> allowed;
    if (what.allow_loopback)
        allowed.emplace_back("loopback");
    if (what.allow_private)
        allowed.emplace_back("private");
    to.table("[[targets]]");
    to.text("name", what.name);
    to.text("url", what.url);
    to.line("allow", listed(allowed));
    if (what.tls)
        to.line(
            "tls",
            fmt::format(
                "{{ ca = {}, min = {} }}", toml_text(what.tls->ca), toml_text(word(what.tls->min))
            )
        );
}

void write(writer& to, const audit_settings& what)
{
    const std::vector<std::string> all{"all"};
    to.table("[[audits]]");
    to.text("name", what.name);
    to.line("at", listed(what.at.empty() ? all : what.at));
    to.line("by", listed(what.by.empty() ? all : what.by));
    to.line("subjects", listed(what.subjects));
    to.text("target", what.target);
    to.answer("tls", what.tls);
    to.answer("ipv6", what.ipv6);
    to.number("repeat", what.repeat);
    if (what.calendar)
        to.text("calendar", *what.calendar);
    else if (what.every)
        to.span("every", *what.every);
    else
        to.text("every", "off");
}

} // namespace

std::string to_toml(const configuration& what)
{
    std::vector<std::string> directories;
    for (const auto& each : what.subject_directories)
        directories.push_back(each.string());
    writer out;
    out.line("version", "1");
    write(out, what.serve);
    write(out, what.history);
    write(out, what.limits);
    out.table("[subjects]");
    out.line("directories", listed(directories));
    for (const target_settings& each : what.targets)
        write(out, each);
    for (const audit_settings& each : what.audits)
        write(out, each);
    return std::move(out).written();
}

} // namespace finwait::daemon
