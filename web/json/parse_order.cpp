// What the API is asked to do: names from closed lists and of the configuration, nothing else. No
// URL, no command, no header of a request to be sent can come in here.
#include "web/json/read.hpp"
#include "web/json/records.hpp"

namespace finwait::json {

namespace {

constexpr std::size_t longest_name_bytes = 40;
constexpr std::size_t longest_list = 64;
constexpr unsigned most_repeats = 1000;
constexpr unsigned most_requests = 100;
constexpr std::uint64_t largest_body_bytes = 64 * mebibyte;

const place top{};

bool is_name(std::string_view text)
{
    return !text.empty() && text.size() <= longest_name_bytes &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
           });
}

/// NAME or NAME:MODE.
bool is_subject(std::string_view text)
{
    const auto colon = text.find(':');
    return is_name(text.substr(0, colon)) &&
           (colon == std::string_view::npos || is_name(text.substr(colon + 1)));
}

void check_length(std::string_view key, const std::vector<std::string>& list, fault& why)
{
    if (list.size() > longest_list)
        why.refuse(place{&top, key}, fmt::format("must have at most {} elements", longest_list));
}

/// Words of an enumeration, or `all`.
template <class Enum>
void check_words(std::string_view key, const std::vector<std::string>& list, fault& why)
{
    const place at{&top, key};
    check_length(key, list, why);
    for (std::size_t i = 0; i < list.size(); ++i)
        if (list[i] != "all" && !from_word<Enum>(list[i]))
            why.refuse(
                place{&at, {}, i},
                fmt::format(
                    "no {} {}; {}",
                    words<Enum>::what,
                    in_quotes(list[i]),
                    suggestion(list[i], words<Enum>::table)
                )
            );
}

void check_subjects(const std::vector<std::string>& list, fault& why)
{
    const place at{&top, "subjects"};
    check_length("subjects", list, why);
    for (std::size_t i = 0; i < list.size(); ++i)
        if (!is_subject(list[i]))
            why.refuse(place{&at, {}, i}, "must be the name of a subject: a-z, 0-9, _ and -");
}

void check_name(std::string_view key, const std::optional<std::string>& name, fault& why)
{
    if (name && !is_name(*name))
        why.refuse(place{&top, key}, "must be a name of the configuration: a-z, 0-9, _ and -");
}

void check(const web::audit_order& what, fault& why)
{
    check_name("name", what.name, why);
    check_name("target", what.target, why);
    check_words<kill_point>("at", what.at, why);
    check_words<kill_method>("by", what.by, why);
    check_words<framing>("framing", what.framing, why);
    check_subjects(what.subjects, why);
    if (std::count(what.framing.begin(), what.framing.end(), word(framing::until_close)) > 0)
        why.refuse(place{&top, "framing"}, "a request's body cannot end by closing");
    if (what.repeat == 0 || what.repeat > most_repeats)
        why.refuse(
            place{&top, "repeat"}, fmt::format("must be a whole number from 1 to {}", most_repeats)
        );
}

/// A plan is made of words already; these are names and sizes.
void check(const plan& what, fault& why)
{
    if (!is_subject(what.subject))
        why.refuse(place{&top, "subject"}, "must be the name of a subject: a-z, 0-9, _ and -");
    check_name("target", what.target, why);
    if (what.requests > most_requests)
        why.refuse(place{&top, "requests"}, fmt::format("must be at most {}", most_requests));
    for (const auto& [key, part] :
         {std::pair("request", what.request), {"response", what.response}})
        if (const place message{&top, key}; part.bytes > largest_body_bytes)
            why.refuse(
                place{&message, "body_bytes"}, fmt::format("must be at most {}", largest_body_bytes)
            );
}

} // namespace

parsed<web::audit_order> parse_audit_order(std::string_view text)
{
    fault why;
    const value from = parse_object(text, why);
    if (why)
        return why.error();
    web::audit_order out;
    object_reader in(from, top, why);
    const bool named = in.may("name", out.name);
    bool chosen = in.may("at", out.at);
    chosen |= in.may("by", out.by);
    chosen |= in.may("framing", out.framing);
    chosen |= in.may("subjects", out.subjects);
    chosen |= in.may("target", out.target);
    chosen |= in.may("tls", out.tls);
    chosen |= in.may("repeat", out.repeat);
    in.finish();
    if (named && chosen)
        why.refuse(place{&top, "name"}, "stands alone: the configuration says what that audit is");
    check(out, why);
    if (why)
        return why.error();
    return out;
}

parsed<plan> parse_probe_order(std::string_view text)
{
    const auto line = parse_plan(text);
    if (!line)
        return line.error();
    fault why;
    if (line->id)
        why.refuse(place{&top, "id"}, "is given by the daemon");
    if (line->plan.target_tls)
        why.refuse(place{&top, "target_tls"}, "comes from the configuration, by the target's name");
    if (line->client)
        why.refuse(place{&top, "client"}, "comes from the subject's recipe");
    check(line->plan, why);
    if (why)
        return why.error();
    return line->plan;
}

std::optional<parse_error> parse_nothing(std::string_view text)
{
    fault why;
    const value from = parse_object(text, why);
    if (!why)
        object_reader(from, top, why).finish();
    return why ? std::optional(why.error()) : std::nullopt;
}

} // namespace finwait::json
