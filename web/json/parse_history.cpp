// Pages and differences, read for people. Lenient: the daemon that wrote them may be newer.
#include "web/json/history.hpp"
#include "web/json/read.hpp"
#include "web/json/render.hpp"

namespace finwait::json {

// Not in the unnamed namespace: argument-dependent look-up from the templates of read.hpp does not
// go there for the types of namespace finwait::json.
static void decode(const value& from, const place& at, fault& why, cell_words& out)
{
    object_reader in(from, at, why);
    in.need("at", out.at);
    in.need("by", out.by);
    in.need("subject", out.subject);
    in.need("target", out.target);
    in.need("family", out.family);
    in.need("tls", out.tls);
    in.need("unread", out.unread);
    in.need("blocked", out.blocked);
    in.need("request_framing", out.request_framing);
    in.need("response_framing", out.response_framing);
    in.need("signal_to", out.signal_to);
    in.need("after", out.after);
    in.finish_known();
}

namespace {

/// The keys of a plan that a line of a list shows.
struct plan_part
{
    report_summary& whole;
};

/// What one audit made of a cell, in words.
struct side
{
    std::string text;
};

/// An audit that is compared.
struct compared
{
    std::string id;
};

void decode(const value& from, const place& at, fault& why, plan_part& out)
{
    object_reader in(from, at, why);
    in.need("at", out.whole.at);
    in.need("by", out.whole.by);
    in.need("subject", out.whole.subject);
    in.need("target", out.whole.target);
    in.need("tls", out.whole.tls);
    in.finish_known();
}

void decode(const value& from, const place& at, fault& why, side& out)
{
    object_reader in(from, at, why);
    std::optional<std::string> end;
    in.need("verdict", out.text);
    in.need("end", end);
    in.finish_known();
    if (end)
        out.text += " " + *end;
}

void decode(const value& from, const place& at, fault& why, compared& out)
{
    object_reader in(from, at, why);
    in.need("id", out.id);
    in.finish_known();
}

} // namespace

static void decode(const value& from, const place& at, fault& why, diff_entry& out)
{
    object_reader in(from, at, why);
    std::optional<side> before;
    std::optional<side> after;
    in.need("cell", out.cell);
    in.need("before", before);
    in.need("after", after);
    in.finish_known();
    out.before = before ? before->text : "";
    out.after = after ? after->text : "";
}

parsed<page_of_texts> parse_page(std::string_view name, std::string_view text)
{
    fault why;
    const value checked = parse_object(text, why); // its depth and its keys
    page_of_texts out;
    if (!why) {
        const place top{};
        object_reader in(checked, top, why);
        in.need_schema("finwait." + std::string(name) + "/1");
        in.need("next", out.next);
        in.finish_known();
    }
    const auto ordered = why ? document() : document::parse(text, nullptr, false);
    const auto items = ordered.find(std::string(name));
    if (!why && (items == ordered.end() || !items->is_array()))
        why.refuse(place{}, "has no list " + in_quotes(name));
    if (why)
        return why.error();
    for (const auto& each : *items)
        out.items.push_back(to_text(each));
    return out;
}

parsed<report_summary> parse_report_summary(std::string_view text)
{
    fault why;
    const value from = parse_object(text, why);
    report_summary out;
    if (!why) {
        const place top{};
        object_reader in(from, top, why);
        plan_part plan{out};
        in.need_schema("finwait.report/1");
        in.need("id", out.id);
        in.need("started", out.started);
        in.need("control", out.control);
        in.need("plan", plan);
        in.need("verdict", out.verdict);
        in.need("end", out.end);
        in.need("as_expected", out.as_expected);
        in.finish_known();
    }
    if (why)
        return why.error();
    return out;
}

std::string id_of(std::string_view text)
{
    fault why;
    const value from = parse_object(text, why);
    const auto id = why ? from.end() : from.find("id");
    return why || id == from.end() || !id->is_string() ? "" : id->get<std::string>();
}

parsed<diff_summary> parse_diff(std::string_view text)
{
    fault why;
    const value from = parse_object(text, why);
    diff_summary out;
    if (!why) {
        const place top{};
        object_reader in(from, top, why);
        compared after;
        compared before;
        in.need_schema("finwait.diff/1");
        in.need("audit", after);
        in.need("against", before);
        in.need("new", out.new_ones);
        in.need("fixed", out.fixed);
        in.need("still_there", out.still_there);
        in.need("changed", out.changed);
        in.need("only_after", out.only_after);
        in.need("only_before", out.only_before);
        in.need("unchanged", out.unchanged);
        in.finish_known();
        out.after = after.id;
        out.before = before.id;
    }
    if (why)
        return why.error();
    return out;
}

} // namespace finwait::json
