#include "web/exposition.hpp"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

namespace finwait::web {

namespace {

using labels = std::vector<std::pair<std::string, std::string>>;

/// Both formats: backslash and newline; a quote where the text stands in quotes.
std::string escaped(std::string_view text, std::string_view marks)
{
    std::string out;
    for (const char c : text) {
        if (marks.find(c) != std::string_view::npos)
            out += '\\';
        out += c == '\n' ? 'n' : c;
    }
    return out;
}

/// Counts without a fraction or an exponent, as far as a double holds them.
std::string number(double value)
{
    if (std::isnan(value))
        return "NaN";
    if (std::isinf(value))
        return value > 0 ? "+Inf" : "-Inf";
    constexpr double exact = 9007199254740992.0; // 2^53
    if (std::trunc(value) == value && std::fabs(value) <= exact)
        return fmt::format("{:.0f}", value);
    return fmt::format("{}", value);
}

std::string_view type_of(metric_kind kind)
{
    switch (kind) {
    case metric_kind::counter:
        return "counter";
    case metric_kind::gauge:
        return "gauge";
    case metric_kind::histogram:
        return "histogram";
    }
    return "untyped";
}

std::string braces(const labels& what, std::string_view bound = {})
{
    std::string text;
    const auto add = [&](std::string_view name, std::string_view value) {
        text += text.empty() ? "{" : ",";
        text += fmt::format("{}=\"{}\"", name, escaped(value, "\\\n\""));
    };
    for (const auto& [name, value] : what)
        add(name, value);
    if (!bound.empty())
        add("le", bound);
    return text.empty() ? text : text + "}";
}

void expose_histogram(std::string& text, const std::string& name, const sample& one)
{
    const auto end = std::back_inserter(text);
    for (const auto& [bound, count] : one.buckets)
        fmt::format_to(end, "{}_bucket{} {}\n", name, braces(one.labels, number(bound)), count);
    fmt::format_to(end, "{}_bucket{} {}\n", name, braces(one.labels, "+Inf"), one.count);
    fmt::format_to(end, "{}_sum{} {}\n", name, braces(one.labels), number(one.value));
    fmt::format_to(end, "{}_count{} {}\n", name, braces(one.labels), one.count);
}

/// OpenMetrics names a counter's family without the suffix of its samples.
std::string_view family_of(const metric& what, exposition how)
{
    constexpr std::string_view suffix = "_total";
    std::string_view name = what.name;
    if (how == exposition::open_metrics && what.kind == metric_kind::counter &&
        name.ends_with(suffix))
        name.remove_suffix(suffix.size());
    return name;
}

} // namespace

std::string_view content_type_of(exposition how)
{
    return how == exposition::text ? "text/plain; version=0.0.4; charset=utf-8"
                                   : "application/openmetrics-text; version=1.0.0; charset=utf-8";
}

std::string expose(const metrics_snapshot& what, exposition how)
{
    // Only OpenMetrics escapes quotes in a help text.
    const auto* help_marks = how == exposition::open_metrics ? "\\\n\"" : "\\\n";
    std::string text;
    const auto end = std::back_inserter(text);
    for (const auto& each : what) {
        const auto family = family_of(each, how);
        fmt::format_to(end, "# HELP {} {}\n", family, escaped(each.help, help_marks));
        fmt::format_to(end, "# TYPE {} {}\n", family, type_of(each.kind));
        for (const auto& one : each.samples)
            if (each.kind == metric_kind::histogram)
                expose_histogram(text, each.name, one);
            else
                fmt::format_to(end, "{}{} {}\n", each.name, braces(one.labels), number(one.value));
    }
    if (how == exposition::open_metrics)
        text += "# EOF\n";
    return text;
}

} // namespace finwait::web
