#include "daemon/config/section.hpp"

#include "daemon/config/units.hpp"
#include "daemon/printable.hpp"
#include "web/json/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace finwait::daemon {

std::vector<config_error> config_findings::sorted(const std::vector<std::filesystem::path>& files
) const
{
    auto all = found_;
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
        return std::tie(a.first.file, a.first.line, a.first.column) <
               std::tie(b.first.file, b.first.line, b.first.column);
    });
    std::vector<config_error> out;
    out.reserve(all.size());
    for (const auto& [where, detail] : all)
        out.push_back(
            {.file = where.file < files.size() ? files[where.file].string() : std::string(),
             .line = where.line,
             .column = where.column,
             .detail = detail}
        );
    return out;
}

std::optional<std::string> toml_value<std::string>::of(const toml::node& from, std::string& why)
{
    const auto* const text = from.as_string();
    why = "must be a string, in quotes";
    return text != nullptr ? std::optional(text->get()) : std::nullopt;
}

std::optional<bool> toml_value<bool>::of(const toml::node& from, std::string& why)
{
    const auto* const answer = from.as_boolean();
    why = "must be true or false";
    return answer != nullptr ? std::optional(answer->get()) : std::nullopt;
}

std::optional<std::chrono::milliseconds>
toml_value<std::chrono::milliseconds>::of(const toml::node& from, std::string& why)
{
    why = "must be a duration, in quotes: \"90s\", \"1h30m\" or \"7d\"";
    const auto* const text = from.as_string();
    return text != nullptr ? parse_span(text->get()) : std::nullopt;
}

std::optional<unsigned> section::number(std::string_view key, unsigned least, unsigned most)
{
    const toml::node* const found = node(key);
    if (found == nullptr)
        return std::nullopt;
    const auto* const number = found->as_integer();
    if (number != nullptr && number->get() >= least && number->get() <= most)
        return static_cast<unsigned>(number->get());
    refuse(key, fmt::format("must be a whole number from {} to {}", least, most));
    return std::nullopt;
}

std::optional<std::uint64_t> section::bytes(std::string_view key)
{
    const toml::node* const found = node(key);
    if (found == nullptr)
        return std::nullopt;
    if (const auto* const number = found->as_integer(); number != nullptr && number->get() >= 0)
        return static_cast<std::uint64_t>(number->get());
    const auto* const text = found->as_string();
    const auto read = text != nullptr ? parse_bytes(text->get()) : std::nullopt;
    if (!read)
        refuse(key, "must be a size: a number of bytes, or \"64k\", \"256MiB\", \"1g\"");
    return read;
}

std::optional<std::vector<placed_text>> section::texts(std::string_view key)
{
    const toml::node* const found = node(key);
    if (found == nullptr)
        return std::nullopt;
    const toml::array* const list = found->as_array();
    if (list == nullptr) {
        refuse(key, "must be a list of strings, in brackets");
        return std::nullopt;
    }
    std::vector<placed_text> out;
    for (const toml::node& each : *list) {
        const auto where = daemon::place_of(each, where_.file);
        if (const auto* const text = each.as_string())
            out.push_back({text->get(), where});
        else
            out_.add(where, dotted(key) + " must be a list of strings, in brackets");
    }
    return out;
}

const toml::table* section::table(std::string_view key)
{
    const toml::node* const found = node(key);
    if (found != nullptr && !found->is_table())
        refuse(key, fmt::format("must be a table: [{}]", dotted(key)));
    return found != nullptr ? found->as_table() : nullptr;
}

std::vector<const toml::table*> section::tables(std::string_view key)
{
    const toml::node* const found = node(key);
    std::vector<const toml::table*> out;
    if (found == nullptr)
        return out;
    const std::string wanted = fmt::format("must be tables: [[{}]]", dotted(key));
    const toml::array* const list = found->as_array();
    if (list == nullptr) {
        refuse(key, wanted);
        return out;
    }
    for (const toml::node& each : *list) {
        if (const toml::table* const one = each.as_table())
            out.push_back(one);
        else
            out_.add(daemon::place_of(each, where_.file), fmt::format("{} {}", key, wanted));
    }
    return out;
}

void section::refuse(std::string_view key, std::string_view detail)
{
    out_.add(place_of(key), fmt::format("{} {}", dotted(key), detail));
}

void section::refuse(const placed_text& what, std::string_view key, std::string_view detail)
{
    out_.add(what.where, fmt::format("{} {}", dotted(key), detail));
}

config_place section::place_of(std::string_view key) const
{
    const toml::node* const found = from_.get(key);
    return found != nullptr ? daemon::place_of(*found, where_.file) : where_;
}

std::string section::dotted(std::string_view key) const
{
    const std::string shown = printable(key);
    return key_.empty() ? shown : fmt::format("{}.{}", key_, shown);
}

void section::finish()
{
    for (const auto& [key, each] : from_) {
        if (std::find(asked_.begin(), asked_.end(), key.str()) != asked_.end())
            continue;
        const auto at = key.source().begin;
        out_.add(
            {where_.file, at.line, at.column},
            fmt::format("{} is no key; {}", dotted(key.str()), suggestion(key.str(), asked_))
        );
    }
}

const toml::node* section::node(std::string_view key)
{
    asked_.push_back(key);
    return from_.get(key);
}

config_place place_of(const toml::node& what, std::size_t file)
{
    const auto at = what.source().begin;
    return {file, at.line, at.column};
}

} // namespace finwait::daemon
