// Audits, environments and a worker's error lines.
#include "web/json/read.hpp"

namespace finwait::json {

// Not in the unnamed namespace: argument-dependent look-up from the templates of read.hpp does
// not go there for the types of namespace finwait.
static void decode(const value& from, const place& at, fault& why, not_run& out)
{
    object_reader in(from, at, why);
    in.need("what", out.what);
    in.need("reason", out.reason);
    in.need("cure", out.cure);
    in.finish();
}

namespace {

/// Stands for the counts of an audit by verdict.
struct summary_of
{
    audit& whole;
};

void decode(const value& from, const place& at, fault& why, summary_of& out)
{
    object_reader in(from, at, why);
    for (const auto each : all_of<verdict>())
        in.need(word(each), out.whole.summary[each]);
    in.finish();
}

struct controls_of
{
    audit& whole;
};

void decode(const value& from, const place& at, fault& why, controls_of& out)
{
    object_reader in(from, at, why);
    in.need("planned", out.whole.controls_planned);
    in.need("caught", out.whole.controls_caught);
    in.finish();
}

void decode(const value& from, const place& at, fault& why, audit& out)
{
    object_reader in(from, at, why);
    summary_of summary{out};
    controls_of controls{out};
    in.need_schema("finwait.audit/1");
    in.need("id", out.id);
    in.may("name", out.name);
    in.need("started", out.started);
    in.need("took_ns", out.took_ns);
    in.need("outcome", out.outcome);
    in.may("interrupted", out.interrupted);
    in.may("reports_left_out", out.reports_left_out);
    in.need("summary", summary);
    in.need("controls", controls);
    in.need("findings", out.findings);
    in.need("environment", out.environment);
    in.need("reports", out.reports);
    in.finish();
}

void decode(const value& from, const place& at, fault& why, error_line& out)
{
    object_reader in(from, at, why);
    in.need_schema("finwait.error/1");
    in.need("line", out.line);
    in.need("id", out.id);
    in.need("field", out.why.field);
    in.need("detail", out.why.detail);
    in.finish();
}

/// A whole document of one kind.
template <class T>
parsed<T> parse(std::string_view text)
{
    fault why;
    const value from = parse_object(text, why);
    T out;
    if (!why)
        decode(from, place{}, why, out);
    if (why)
        return why.error();
    return out;
}

} // namespace

void read_environment(object_reader& in, environment& out)
{
    in.need("kernel", out.kernel);
    in.need("lab", out.lab);
    in.need("not_run", out.not_run);
    in.need("sysctls", out.sysctls);
    in.need("capabilities", out.capabilities);
    in.need("observers", out.observers);
}

void decode(const value& from, const place& at, fault& why, environment& out)
{
    object_reader in(from, at, why);
    read_environment(in, out);
    in.finish();
}

parsed<audit> parse_audit(std::string_view text)
{
    return parse<audit>(text);
}

parsed<error_line> parse_error_line(std::string_view text)
{
    return parse<error_line>(text);
}

parsed<environment> parse_environment(std::string_view text)
{
    fault why;
    const value from = parse_object(text, why);
    environment out;
    if (!why) {
        const place top{};
        object_reader in(from, top, why);
        in.need_schema("finwait.environment/1");
        read_environment(in, out);
        in.finish();
    }
    if (why)
        return why.error();
    return out;
}

line_kind kind_of(std::string_view text)
{
    // Every document of ours begins with its schema: no need to parse megabytes to tell them apart.
    if (text.starts_with(R"({"schema":"finwait.report/1")"))
        return line_kind::report;
    if (text.starts_with(R"({"schema":"finwait.environment/1")"))
        return line_kind::environment;
    if (text.starts_with(R"({"schema":"finwait.error/1")"))
        return line_kind::error;
    return line_kind::unknown;
}

} // namespace finwait::json
