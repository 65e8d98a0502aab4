// Plans as they come from outside: every value is checked, nothing is guessed.
#include "probe/ulid.hpp"
#include "web/json/read.hpp"

namespace finwait::json {

namespace {

constexpr std::size_t longest_subject_bytes = 256;
constexpr std::size_t longest_target_bytes = 2048;
constexpr std::size_t longest_method_bytes = 32;
constexpr std::size_t longest_path_bytes = 4096;

const place top{};

/// The body of a message. A body of no framing has no bytes, whatever the default says.
void read_body(object_reader& in, body& out)
{
    const bool framed = in.may("framing", out.how);
    const bool sized = in.may("body_bytes", out.bytes);
    if (framed && !sized && out.how == framing::none)
        out.bytes = 0;
}

void read_request(const value& from, const place& at, fault& why, plan& out)
{
    object_reader in(from, at, why);
    in.may("method", out.method);
    read_body(in, out.request);
    in.finish();
}

void read_response(const value& from, const place& at, fault& why, plan& out)
{
    object_reader in(from, at, why);
    read_body(in, out.response);
    in.finish();
}

void read_target_tls(const value& from, const place& at, fault& why, tls_settings& out)
{
    object_reader in(from, at, why);
    std::optional<std::string> ca;
    in.may("ca", ca);
    in.may("min", out.min);
    in.finish();
    out.ca = ca.value_or("");
}

/// Stands for the plan's part in a call of `may`.
struct request_of
{
    plan& whole;
};
struct response_of
{
    plan& whole;
};
struct target_tls_of
{
    plan& whole;
};

void decode(const value& from, const place& at, fault& why, request_of& out)
{
    read_request(from, at, why, out.whole);
}

void decode(const value& from, const place& at, fault& why, response_of& out)
{
    read_response(from, at, why, out.whole);
}

void decode(const value& from, const place& at, fault& why, target_tls_of& out)
{
    read_target_tls(from, at, why, out.whole.target_tls.emplace());
}

/// RFC 9110 5.6.2.
bool is_token(std::string_view text)
{
    constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               marks.find(c) != std::string_view::npos;
    });
}

bool has_control_bytes(std::string_view text)
{
    return std::any_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    });
}

void check_text(std::string_view key, std::string_view text, std::size_t longest, fault& why)
{
    const place at{&top, key};
    if (text.empty() || text.size() > longest)
        why.refuse(at, fmt::format("must have 1 to {} bytes", longest));
    if (has_control_bytes(text))
        why.refuse(at, "must not have control characters");
}

void check_file(const place& at, const std::string& path, fault& why)
{
    if (!path.empty() &&
        (path.front() != '/' || path.size() > longest_path_bytes || has_control_bytes(path)))
        why.refuse(at, "must be an absolute path without control characters");
}

void check_body(std::string_view key, const body& what, fault& why)
{
    const place message{&top, key};
    if (what.how == framing::none && what.bytes != 0)
        why.refuse(
            place{&message, "framing"}, "must say how the body's bytes go: length or chunked"
        );
}

void check(const plan& what, fault& why)
{
    check_text("subject", what.subject, longest_subject_bytes, why);
    check_text("target", what.target, longest_target_bytes, why);
    const place target_tls{&top, "target_tls"};
    if (what.target_tls)
        check_file(place{&target_tls, "ca"}, what.target_tls->ca, why);
    const place request{&top, "request"};
    if (!is_token(what.method) || what.method.size() > longest_method_bytes)
        why.refuse(place{&request, "method"}, "must be an HTTP method, such as \"POST\"");
    check_body("request", what.request, why);
    check_body("response", what.response, why);
    if (!(what.position >= 0 && what.position <= 1))
        why.refuse(place{&top, "position"}, "must be a number from 0 to 1");
    if (what.requests == 0)
        why.refuse(place{&top, "requests"}, "must be at least 1");
}

} // namespace

void read_plan(object_reader& in, plan& out)
{
    request_of request{out};
    response_of response{out};
    target_tls_of target_tls{out};
    in.need("at", out.at);
    in.need("by", out.by);
    in.may("subject", out.subject);
    in.may("target", out.target);
    in.may("target_tls", target_tls);
    in.may("family", out.family);
    in.may("tls", out.tls);
    in.may("unread", out.unread);
    in.may("blocked", out.blocked);
    in.may("position", out.position);
    in.may("request", request);
    in.may("response", response);
    in.may("requests", out.requests);
    in.may("signal_to", out.signal_to);
    in.may("after", out.after);
}

void decode(const value& from, const place& at, fault& why, plan& out)
{
    object_reader in(from, at, why);
    read_plan(in, out);
    in.finish();
}

parsed<plan_line> parse_plan(std::string_view text)
{
    fault why;
    const value from = parse_object(text, why);
    if (why)
        return why.error();
    plan_line line;
    std::string id;
    object_reader in(from, top, why);
    read_plan(in, line.plan);
    if (in.may("id", id))
        line.id = id;
    if (subject::client_order client; in.may("client", client))
        line.client = std::move(client);
    in.finish();
    if (line.id && !is_ulid(*line.id))
        why.refuse(place{&top, "id"}, "must be a ULID: 26 characters of 0-9 A-Z less I L O U");
    check(line.plan, why);
    if (why)
        return why.error();
    return line;
}

} // namespace finwait::json
