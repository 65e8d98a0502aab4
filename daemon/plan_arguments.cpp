#include "daemon/plan_arguments.hpp"

#include "daemon/errors.hpp"
#include "daemon/quantity.hpp"
#include "probe/client/trust.hpp"
#include "probe/target.hpp"
#include "web/json/nearest.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <utility>

namespace finwait::daemon {

namespace {

[[noreturn]] void unknown(
    std::string_view option,
    std::string_view what,
    std::string_view wrong,
    std::span<const std::string_view> right
)
{
    throw usage_error(fmt::format(
        "{}: unknown {} {}: {}", option, what, in_quotes(wrong), suggestion(wrong, right)
    ));
}

template <class Enum>
Enum understood_word(std::string_view option, std::string_view text)
{
    if (const auto found = from_word<Enum>(text))
        return *found;
    unknown(option, words<Enum>::what, text, words<Enum>::table);
}

template <class Enum>
std::optional<std::vector<Enum>>
understood_list(std::string_view option, const std::vector<std::string>& texts)
{
    if (texts.empty())
        return std::nullopt;
    std::vector<Enum> list;
    list.reserve(texts.size());
    for (const std::string& text : texts)
        list.push_back(understood_word<Enum>(option, text));
    return list;
}

double understood_position(std::string_view text)
{
    double position = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, position);
    if (error != std::errc{} || end != last || !(position >= 0 && position <= 1))
        throw usage_error(fmt::format("--position: {} is no number from 0 to 1", in_quotes(text)));
    return position;
}

std::string understood_target(const std::string& text)
{
    const auto url = boost::urls::parse_uri(text);
    const bool is_web = url && (url->scheme_id() == boost::urls::scheme::http ||
                                url->scheme_id() == boost::urls::scheme::https);
    if (text != "origin" && !is_web)
        throw usage_error(fmt::format(
            "--target: {} is neither `origin` nor an http:// or https:// URL", in_quotes(text)
        ));
    return text;
}

// As the worker and its children take it, whatever their directory is.
std::string understood_ca(const std::string& text)
{
    const auto path = text.empty() ? std::filesystem::path() : std::filesystem::absolute(text);
    if (const auto read = client::read_certificates(path); !read)
        throw usage_error(
            fmt::format("--ca: {} cannot be used: {}", in_quotes(text), read.error().message())
        );
    return path;
}

std::optional<tls_settings> understood_tls(const plan_arguments& words)
{
    if (!words.ca && !words.tls_min)
        return words.target_tls;
    if (!words.target || !is_https(*words.target))
        throw usage_error("--ca and --tls-min are for a --target with an https:// URL");
    tls_settings settings;
    if (words.ca)
        settings.ca = understood_ca(*words.ca);
    if (words.tls_min)
        settings.min = understood_word<tls_version>("--tls-min", *words.tls_min);
    return settings;
}

// Everything but the lists, as far as it was chosen.
choices understood_choices(const plan_arguments& words)
{
    choices chosen;
    if (words.request)
        chosen.requests = {parse_body("--request", *words.request)};
    if (words.response)
        chosen.responses = {parse_body("--response", *words.response)};
    chosen.method = words.method;
    if (words.target)
        chosen.target = understood_target(*words.target);
    chosen.target_tls = understood_tls(words);
    if (words.position)
        chosen.position = understood_position(*words.position);
    if (words.after)
        chosen.after = understood_word<after_action>("--after", *words.after);
    if (words.to)
        chosen.signal_to = understood_word<signal_target>("--to", *words.to);
    if (words.tls)
        chosen.schemes = {scheme::https};
    if (words.ipv6)
        chosen.families = {address_family::ipv6};
    if (words.unread)
        chosen.unread = {true};
    if (words.blocked)
        chosen.blocked = {true};
    return chosen;
}

// A cell of the choices, with the plan's own default where nothing was chosen.
plan cell_of(
    const choices& chosen,
    kill_point at,
    kill_method by,
    const std::string& subject,
    unsigned requests
)
{
    plan one;
    one.subject = subject;
    one.requests = requests;
    one.at = at;
    one.by = by;
    one.target = chosen.target;
    one.target_tls = chosen.target_tls;
    one.tls = chosen.schemes.has_value() || is_https(chosen.target);
    one.family = chosen.families ? chosen.families->front() : one.family;
    one.request = chosen.requests ? chosen.requests->front() : one.request;
    one.response = chosen.responses ? chosen.responses->front() : one.response;
    one.unread = chosen.unread.has_value();
    one.blocked = chosen.blocked.has_value();
    one.method = chosen.method.value_or(one.method);
    one.position = chosen.position;
    one.signal_to = chosen.signal_to;
    one.after = chosen.after;
    return completed(std::move(one));
}

[[noreturn]] void refuse(const plan& wanted, const refusal& why)
{
    throw usage_error(fmt::format(
        "{} by {} cannot be probed: {}: {}", word(wanted.at), word(wanted.by), why.field, why.reason
    ));
}

} // namespace

body parse_body(std::string_view option, std::string_view text)
{
    const auto colon = text.find(':');
    const auto how = understood_word<framing>(option, text.substr(0, colon));
    const bool has_size = colon != std::string_view::npos;
    if (how == framing::none && !has_size)
        return {};
    const auto bytes = has_size ? parse_size(text.substr(colon + 1)) : std::nullopt;
    if (how == framing::none || !bytes)
        throw usage_error(fmt::format(
            "{}: {} is no body; write none, or a framing with a size: length:64k, chunked:8m",
            option,
            in_quotes(text)
        ));
    return {how, *bytes};
}

choices understood(const plan_arguments& words)
{
    choices chosen = understood_choices(words);
    chosen.points = understood_list<kill_point>("--at", words.at);
    chosen.methods = understood_list<kill_method>("--by", words.by);
    return chosen;
}

plan one_plan(const plan_arguments& words, const std::string& subject, unsigned requests)
{
    if (words.at.size() != 1 || words.by.size() != 1)
        throw usage_error("one --at and one --by are needed; `finwait audit` takes lists");
    const auto at = understood_word<kill_point>("--at", words.at.front());
    const auto by = understood_word<kill_method>("--by", words.by.front());
    plan wanted = cell_of(understood_choices(words), at, by, subject, requests);
    if (const auto why = why_impossible(wanted))
        refuse(wanted, *why);
    return wanted;
}

std::vector<plan> all_plans(const plan_arguments& words)
{
    const choices chosen = understood(words);
    auto plans = every_plan(chosen);
    if (!plans.empty())
        return plans;
    const plan plain;
    const plan first = cell_of(
        chosen,
        chosen.points ? chosen.points->front() : plain.at,
        chosen.methods ? chosen.methods->front() : plain.by,
        plain.subject,
        plain.requests
    );
    if (const auto why = why_impossible(first))
        refuse(first, *why);
    throw usage_error("nothing of what was chosen can be probed");
}

std::set<std::string, std::less<>> chosen_by_name(const plan_arguments& words)
{
    std::set<std::string, std::less<>> names(words.at.begin(), words.at.end());
    names.insert(words.by.begin(), words.by.end());
    if (words.ipv6)
        names.emplace(word(address_family::ipv6));
    return names;
}

} // namespace finwait::daemon
