#include "daemon/plan_text.hpp"

#include "daemon/quantity.hpp"
#include "probe/model/possible.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace finwait::daemon {

namespace {

// Any function of an option and its value.
template <class Add>
void add_target(const plan& what, const Add& add)
{
    add("target", what.target);
    if (!what.target_tls)
        return;
    if (!what.target_tls->ca.empty())
        add("ca", what.target_tls->ca);
    if (what.target_tls->min != tls_settings{}.min)
        add("tls-min", word(what.target_tls->min));
}

std::string body_argument(const body& what)
{
    if (what.how == framing::none)
        return "none";
    if (what.bytes != 0 && what.bytes % mebibyte == 0)
        return fmt::format("{}:{}m", word(what.how), what.bytes / mebibyte);
    if (what.bytes != 0 && what.bytes % kibibyte == 0)
        return fmt::format("{}:{}k", word(what.how), what.bytes / kibibyte);
    return fmt::format("{}:{}", word(what.how), what.bytes);
}

std::string body_text(std::string_view whose, const body& what)
{
    if (what.how == framing::none)
        return fmt::format(", {} none", whose);
    return fmt::format(", {} {} {}", whose, word(what.how), show_size(what.bytes));
}

std::string shell_quoted(std::string_view text)
{
    const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("_-.:/=,@%+[]").find(c) != std::string_view::npos;
    });
    if (plain)
        return std::string(text);
    std::string out = "'";
    for (const char c : text)
        out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

// The plan with the same point and method and nothing else chosen: what a bare `probe` would run.
plan plain_of(const plan& what)
{
    plan plain;
    plain.subject = what.subject; // decides it, too
    plain.at = what.at;
    plain.by = what.by;
    plain.blocked = what.blocked; // decides the default of the request's body
    return completed(plain);
}

bool is_url(const plan& what)
{
    return what.target != plan{}.target;
}

} // namespace

std::string variant_of(const plan& what)
{
    const plan plain = plain_of(what);
    std::string text = is_url(what) ? what.target : what.tls ? "https" : "http";
    if (is_external(what))
        text += ", " + what.subject;
    if (what.family != plain.family)
        text += fmt::format(", {}", word(what.family));
    if (what.method != plain.method)
        text += ", " + what.method;
    if (what.request != plain.request)
        text += body_text("request", what.request);
    if (what.response != plain.response)
        text += body_text("response", what.response);
    if (what.blocked)
        text += ", blocked";
    if (what.unread)
        text += ", unread";
    if (what.requests != plain.requests)
        text += fmt::format(", {} requests", what.requests);
    if (what.position != plain.position)
        text += fmt::format(", position {}", what.position);
    if (what.after != plain.after)
        text += fmt::format(", after {}", word(what.after));
    if (what.signal_to != plain.signal_to)
        text += fmt::format(", to {}", word(what.signal_to));
    return text;
}

std::string command_of(const plan& what)
{
    const plan plain = plain_of(what);
    std::string text = fmt::format("finwait probe --at {} --by {}", word(what.at), word(what.by));
    const auto add = [&](std::string_view option, std::string_view value) {
        text += fmt::format(" --{} {}", option, shell_quoted(value));
    };
    if (is_external(what))
        add("subject", what.subject);
    if (is_url(what))
        add_target(what, add);
    else if (what.tls)
        text += " --tls";
    if (what.family == address_family::ipv6)
        text += " --ipv6";
    if (what.method != plain.method)
        add("method", what.method);
    if (what.request != plain.request)
        add("request", body_argument(what.request));
    if (what.response != plain.response)
        add("response", body_argument(what.response));
    if (what.blocked)
        text += " --blocked";
    if (what.unread)
        text += " --unread";
    if (what.position != plain.position)
        add("position", fmt::format("{}", what.position));
    if (what.after != plain.after)
        add("after", word(what.after));
    if (what.signal_to != plain.signal_to)
        add("to", word(what.signal_to));
    return text;
}

} // namespace finwait::daemon
