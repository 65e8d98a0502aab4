// [[targets]] and [[audits]]: tables that a later file changes by their names.
#include "daemon/config/draft.hpp"
#include "daemon/config/target_url.hpp"
#include "daemon/config/units.hpp"
#include "daemon/schedule/calendar.hpp"
#include "probe/model/kill_method.hpp"
#include "probe/model/kill_point.hpp"
#include "probe/model/tls_settings.hpp"
#include "web/json/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <variant>

namespace finwait::daemon {

namespace {

constexpr unsigned most_repeats = 100'000;
constexpr std::size_t most_words = 100;
constexpr std::string_view everything = "all";

constexpr std::array<std::string_view, 2> allow_words{"loopback", "private"};

// The name of a table in a list; nullopt: it has none that could be used, which is noted.
std::optional<std::string> name_of(section& in, std::string_view reserved)
{
    auto name = in.may<std::string>("name");
    if (!in.has("name"))
        in.refuse("name", "is missing");
    if (!name)
        return std::nullopt;
    if (!is_config_name(*name)) {
        in.refuse("name", "must be 1 to 40 of the letters a to z, digits, _ and -");
        return std::nullopt;
    }
    if (*name == reserved) {
        in.refuse("name", fmt::format("is {}, a name that finwait has given already", *name));
        return std::nullopt;
    }
    return name;
}

// The one of that name, or a new one.
template <class T>
T& named(std::vector<T>& list, const std::string& name)
{
    const auto found =
        std::find_if(list.begin(), list.end(), [&](const T& each) { return each.name == name; });
    if (found != list.end())
        return *found;
    T& made = list.emplace_back();
    made.name = name;
    return made;
}

void read_allow(section& in, target_settings& to)
{
    const auto texts = in.texts("allow");
    if (!texts)
        return;
    to.allow_loopback = false;
    to.allow_private = false;
    for (const placed_text& each : *texts) {
        if (each.text == "loopback")
            to.allow_loopback = true;
        else if (each.text == "private")
            to.allow_private = true;
        else
            in.refuse(
                each,
                "allow",
                fmt::format(
                    "has no {}; {}", in_quotes(each.text), suggestion(each.text, allow_words)
                )
            );
    }
}

std::optional<tls_version> read_min(section& in)
{
    const auto text = in.may<std::string>("min");
    if (!text)
        return std::nullopt;
    const auto found = from_word<tls_version>(*text);
    if (!found)
        in.refuse(
            "min",
            fmt::format(
                "has no {}; {}", in_quotes(*text), suggestion(*text, words<tls_version>::table)
            )
        );
    return found;
}

// Key by key, as any table that a later file changes.
void read_tls(section& in, target_settings& to, config_draft& out)
{
    const toml::table* const tls = in.table("tls");
    if (tls == nullptr)
        return;
    const auto where = fmt::format("targets.{}.tls", to.name);
    section inside(*tls, in.dotted("tls"), in.place_of("tls"), out.findings);
    auto& settings = to.tls ? *to.tls : to.tls.emplace();
    if (auto ca = inside.may<std::string>("ca")) {
        if (!ca->empty() && !std::filesystem::path(*ca).is_absolute())
            inside.refuse("ca", "must be an absolute path, or \"\" for any certificate");
        settings.ca = std::move(*ca);
        out.places[where + ".ca"] = inside.place_of("ca");
    }
    settings.min = read_min(inside).value_or(settings.min);
    inside.finish();
    out.places[where] = in.place_of("tls");
}

// The words of an enumeration; empty: `all` of them.
template <class Enum>
std::optional<std::vector<std::string>> words_in(section& in, std::string_view key)
{
    const auto texts = in.texts(key);
    if (!texts)
        return std::nullopt;
    std::vector<std::string> out;
    bool is_all = false;
    for (const placed_text& each : *texts) {
        is_all = is_all || each.text == everything;
        if (each.text == everything || from_word<Enum>(each.text)) {
            out.push_back(each.text);
            continue;
        }
        std::vector<std::string_view> right(words<Enum>::table.begin(), words<Enum>::table.end());
        right.push_back(everything);
        in.refuse(
            each,
            key,
            fmt::format(
                "has no {} {}; {}",
                words<Enum>::what,
                in_quotes(each.text),
                suggestion(each.text, right)
            )
        );
    }
    if (is_all)
        out.clear();
    return out;
}

void read_words(section& in, audit_settings& to, config_draft& out)
{
    if (auto at = words_in<kill_point>(in, "at"))
        to.at = std::move(*at);
    if (auto by = words_in<kill_method>(in, "by"))
        to.by = std::move(*by);
    const auto texts = in.texts("subjects");
    if (!texts)
        return;
    if (texts->size() > most_words)
        return in.refuse("subjects", fmt::format("can have at most {}", most_words));
    to.subjects.clear();
    for (const placed_text& each : *texts) {
        out.places[fmt::format("audits.{}.subjects.{}", to.name, to.subjects.size())] = each.where;
        to.subjects.push_back(each.text);
    }
}

// The interval, or `off`.
void read_every(section& in, audit_settings& to)
{
    const auto text = in.may<std::string>("every");
    if (!text)
        return;
    if (*text == "off") {
        to.every.reset();
        to.calendar.reset();
        return;
    }
    const auto every = parse_span(*text);
    if (!every || *every < std::chrono::seconds(1))
        return in.refuse(
            "every", "must be a duration of at least \"1s\", such as \"1h\", or \"off\""
        );
    to.every = every;
    to.calendar.reset();
}

void read_calendar_time(section& in, audit_settings& to)
{
    const auto text = in.may<std::string>("calendar");
    if (!text)
        return;
    const auto read = calendar::parse(*text);
    if (const auto* const wrong = std::get_if<std::string>(&read))
        return in.refuse("calendar", *wrong);
    if (!std::get<calendar>(read).next(std::chrono::system_clock::now()))
        return in.refuse("calendar", fmt::format("{} never comes again", in_quotes(*text)));
    to.calendar = text;
    to.every.reset();
}

void read_times(section& in, audit_settings& to)
{
    if (in.has("every") && in.has("calendar"))
        in.refuse("calendar", "cannot be said together with `every`: one of them");
    read_every(in, to);
    read_calendar_time(in, to);
}

} // namespace

bool is_config_name(std::string_view text)
{
    return !text.empty() && text.size() <= 40 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
}

void read_target(section& in, config_draft& out)
{
    const auto name = name_of(in, "origin");
    target_settings nameless;
    target_settings& to = name ? named(out.config.targets, *name) : nameless;
    if (name)
        out.places.emplace("targets." + *name, in.place());
    if (auto url = in.may<std::string>("url")) {
        if (const auto why = why_no_target(*url))
            in.refuse("url", *why);
        to.url = std::move(*url);
        out.places[fmt::format("targets.{}.url", to.name)] = in.place_of("url");
    }
    read_allow(in, to);
    read_tls(in, to, out);
    in.finish();
}

void read_audit(section& in, config_draft& out)
{
    const auto name = name_of(in, "probe");
    audit_settings nameless;
    audit_settings& to = name ? named(out.config.audits, *name) : nameless;
    if (name)
        out.places["audits." + *name] = in.place();
    read_words(in, to, out);
    if (auto target = in.may<std::string>("target")) {
        to.target = std::move(*target);
        out.places[fmt::format("audits.{}.target", to.name)] = in.place_of("target");
    }
    to.tls = in.may<bool>("tls").value_or(to.tls);
    to.ipv6 = in.may<bool>("ipv6").value_or(to.ipv6);
    if (const auto repeat = in.number("repeat", 1, most_repeats)) {
        to.repeat = *repeat;
        out.places[fmt::format("audits.{}.repeat", to.name)] = in.place_of("repeat");
    }
    read_times(in, to);
    in.finish();
}

} // namespace finwait::daemon
