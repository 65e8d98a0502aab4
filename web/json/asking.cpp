#include "web/json/asking.hpp"

#include "web/json/read.hpp"
#include "web/json/render.hpp"

namespace finwait::json {

namespace {

std::string text_in(const value& from, const char* key)
{
    const auto found = from.find(key);
    return found != from.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::uint64_t number_in(const value& from, const char* key)
{
    const auto found = from.find(key);
    return found != from.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

// FILE:LINE:COLUMN of a configuration, or a pointer into a body.
std::string place_in(const value& part)
{
    std::string place = text_in(part, "file");
    if (place.empty())
        return text_in(part, "pointer");
    for (const char* key : {"line", "column"})
        if (const auto number = number_in(part, key); number != 0)
            place += fmt::format(":{}", number);
    return place;
}

} // namespace

std::string dump(const web::audit_order& what)
{
    document whole = document::object();
    if (what.name)
        whole["name"] = *what.name;
    const auto add = [&](const char* key, const std::vector<std::string>& list) {
        if (!list.empty())
            whole[key] = list;
    };
    add("at", what.at);
    add("by", what.by);
    add("framing", what.framing);
    add("subjects", what.subjects);
    if (what.target)
        whole["target"] = *what.target;
    if (what.tls)
        whole["tls"] = true;
    if (what.repeat != 1)
        whole["repeat"] = what.repeat;
    return to_text(whole);
}

understood understood_problem(std::string_view text)
{
    fault why;
    const value from = parse_object(text, why);
    if (why)
        return {};
    understood out{.code = text_in(from, "code"), .text = text_in(from, "detail")};
    const auto parts = from.find("errors");
    if (parts == from.end() || !parts->is_array())
        return out;
    for (const value& part : *parts) {
        const auto detail = text_in(part, "detail");
        const auto place = place_in(part);
        if (!place.empty() || detail != out.text)
            out.text += fmt::format("\n  {}{}{}", place, place.empty() ? "" : ": ", detail);
    }
    return out;
}

std::optional<audit_glance> glance_at_audit(std::string_view text)
{
    fault why;
    const value from = parse_object(text, why);
    if (why || text_in(from, "schema") != "finwait.audit/1")
        return std::nullopt;
    audit_glance out{.id = text_in(from, "id")};
    out.outcome = from_word<finwait::outcome>(text_in(from, "outcome"));
    out.state = from_word<web::run_state>(text_in(from, "state"));
    if (const auto progress = from.find("progress");
        progress != from.end() && progress->is_object()) {
        out.planned = number_in(*progress, "planned");
        out.done = number_in(*progress, "done");
    }
    return out;
}

} // namespace finwait::json
