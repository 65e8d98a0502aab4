#include "web/query.hpp"

#include <boost/beast/core/string.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace finwait::web {

namespace {

constexpr std::uint64_t longest_page = 100;
constexpr std::size_t longest_name_bytes = 80;
constexpr std::string_view unnamed = "ad hoc";

std::optional<std::uint64_t> whole_number(std::string_view text)
{
    std::uint64_t value = 0;
    const auto* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || rest != end)
        return std::nullopt;
    return value;
}

std::string_view trimmed(std::string_view text)
{
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    return text.substr(0, text.find_last_not_of(" \t") + 1);
}

/// What is before the first `mark`, without blanks around it; `rest` becomes what is behind it.
std::string_view take_until(std::string_view& rest, char mark)
{
    const auto end = std::min(rest.find(mark), rest.size());
    const auto first = trimmed(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return first;
}

bool is_same(std::string_view one, std::string_view other)
{
    return boost::beast::iequals({one.data(), one.size()}, {other.data(), other.size()});
}

std::optional<std::chrono::milliseconds>
duration_of(std::string_view text, std::chrono::milliseconds most)
{
    if (text == "0")
        return std::chrono::milliseconds(0);
    std::uint64_t unit = 0;
    if (text.ends_with("ms"))
        unit = 1;
    else if (text.ends_with("s"))
        unit = 1000;
    else if (text.ends_with("m"))
        unit = 60'000;
    if (unit == 0)
        return std::nullopt;
    const auto value = whole_number(text.substr(0, text.size() - (unit == 1 ? 2 : 1)));
    if (!value)
        return std::nullopt;
    const auto bound = static_cast<std::uint64_t>(most.count());
    return std::chrono::milliseconds(*value > bound / unit ? bound : *value * unit);
}

bool is_name(std::string_view text)
{
    return !text.empty() && text.size() <= longest_name_bytes &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
                      c == ':';
           });
}

/// How exactly a media range names a type: 0 not at all, 3 wholly.
int fit_of(std::string_view range, std::string_view type)
{
    if (range == "*/*")
        return 1;
    if (is_same(range, type))
        return 3;
    const auto family = type.substr(0, type.find('/') + 1);
    return range.ends_with("/*") && is_same(range.substr(0, range.size() - 1), family) ? 2 : 0;
}

/// The `q` among a range's parameters: 1 when there is none, 0 when it is none.
double weight_of(std::string_view parameters)
{
    while (!parameters.empty()) {
        auto each = take_until(parameters, ';');
        if (!is_same(take_until(each, '='), "q"))
            continue;
        double value = 0;
        const auto [rest, error] = std::from_chars(each.data(), each.data() + each.size(), value);
        const bool whole = error == std::errc() && rest == each.data() + each.size();
        return whole && value >= 0 && value <= 1 ? value : 0;
    }
    return 1;
}

} // namespace

const std::string* query_reader::find(std::string_view key) const
{
    for (const auto& [name, value] : from_.where.query)
        if (name == key)
            return &value;
    return nullptr;
}

void query_reader::flag(std::string_view key, std::optional<bool>& out)
{
    const auto* text = find(key);
    if (!text)
        return;
    if (*text != "true" && *text != "false")
        return refuse(fmt::format("{} must be true or false", key));
    out = *text == "true";
}

void query_reader::id(std::string_view key, std::optional<std::string>& out)
{
    const auto* text = find(key);
    if (!text)
        return;
    if (!is_ulid(*text))
        return refuse(fmt::format("{} must be an id, as other answers give them", key));
    out = *text;
}

void query_reader::name(std::string_view key, std::optional<std::string>& out)
{
    const auto* text = find(key);
    if (!text)
        return;
    if (!is_name(*text))
        return refuse(fmt::format("{} must be a name: a-z, 0-9, _ and -", key));
    out = *text;
}

void query_reader::audit_name(std::string_view key, std::optional<std::string>& out)
{
    if (const auto* text = find(key); text && *text == unnamed)
        out = *text;
    else
        name(key, out);
}

void query_reader::number(std::string_view key, std::optional<std::uint64_t>& out)
{
    const auto* text = find(key);
    if (!text)
        return;
    out = whole_number(*text);
    if (!out)
        refuse(fmt::format("{} must be a whole number", key));
}

void query_reader::duration(
    std::string_view key,
    std::chrono::milliseconds most,
    std::optional<std::chrono::milliseconds>& out
)
{
    const auto* text = find(key);
    if (!text)
        return;
    out = duration_of(*text, most);
    if (!out)
        refuse(fmt::format("{} must be a time, such as 500ms, 30s or 1m", key));
}

void query_reader::page(page_query& out)
{
    if (const auto* text = find("limit"); text) {
        const auto limit = whole_number(*text);
        if (!limit || *limit < 1 || *limit > longest_page)
            refuse("limit must be a whole number from 1 to 100");
        else
            out.limit = *limit;
    }
    if (const auto* text = find("cursor"); text) {
        if (!is_ulid(*text))
            return refuse("cursor must be one that an earlier answer gave");
        out.older_than = *text;
    }
}

void query_reader::refuse(std::string detail)
{
    if (!wrong_)
        wrong_ = std::move(detail);
}

std::optional<answer> query_reader::wrong() const
{
    if (!wrong_)
        return std::nullopt;
    return problem_answer({problem_code::bad_request, *wrong_}, from_.where.path);
}

std::chrono::milliseconds spread(
    std::chrono::milliseconds time, std::chrono::milliseconds most, std::chrono::microseconds chance
)
{
    constexpr int part = 16;
    const std::chrono::milliseconds by(chance.count() % (time.count() / part + 1));
    return time + by <= most ? time + by : time - by;
}

std::string encoded(std::string_view text)
{
    constexpr std::string_view marks = "-._~";
    std::string out;
    for (const char c : text)
        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
            marks.find(c) != std::string_view::npos)
            out += c;
        else
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    return out;
}

double quality_of(std::string_view accept, std::string_view type)
{
    if (trimmed(accept).empty())
        return 1;
    int best = 0;
    double quality = 0;
    while (!accept.empty()) {
        auto each = take_until(accept, ',');
        const auto fit = fit_of(take_until(each, ';'), type);
        if (fit > best) {
            best = fit;
            quality = weight_of(each);
        }
    }
    return quality;
}

bool prefers_text(const request& wanted)
{
    return quality_of(wanted.accept, "text/plain") > quality_of(wanted.accept, "application/json");
}

preferences preferences_of(const request& wanted)
{
    preferences out;
    std::string_view rest = wanted.prefer;
    while (!rest.empty()) {
        auto each = take_until(rest, ',');
        auto value = take_until(each, ';'); // a preference's own parameters say nothing to us
        const auto name = take_until(value, '=');
        if (is_same(name, "respond-async"))
            out.respond_async = true;
        constexpr std::uint64_t a_day = 86'400;
        if (const auto seconds = whole_number(value); is_same(name, "wait") && seconds && !out.wait)
            out.wait = std::chrono::seconds(std::min(*seconds, a_day));
    }
    return out;
}

} // namespace finwait::web
