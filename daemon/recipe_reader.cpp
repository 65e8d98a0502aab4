#include "daemon/recipe_reader.hpp"

#include "daemon/errors.hpp"
#include "daemon/printable.hpp"

#include <algorithm>

namespace finwait::daemon {

namespace {

constexpr std::int64_t largest_number = 1'000'000;

std::string joined(const std::string& table, std::string_view key)
{
    return table.empty() ? std::string(key) : fmt::format("{}.{}", table, key);
}

} // namespace

void refuse(const toml_place& where, std::string_view detail)
{
    const auto key = where.key.empty() ? std::string() : printable(where.key) + " ";
    throw usage_error(
        fmt::format("{}:{}:{}: {}{}", where.file, where.at.line, where.at.column, key, detail)
    );
}

void decode(const toml::node& from, const toml_place& where, std::string& out)
{
    const auto* const text = from.as_string();
    if (text == nullptr)
        refuse(where, "must be a string, in quotes");
    out = text->get();
}

void decode(const toml::node& from, const toml_place& where, bool& out)
{
    const auto* const answer = from.as_boolean();
    if (answer == nullptr)
        refuse(where, "must be true or false");
    out = answer->get();
}

void decode(const toml::node& from, const toml_place& where, unsigned& out)
{
    const auto* const number = from.as_integer();
    if (number == nullptr || number->get() < 0 || number->get() > largest_number)
        refuse(where, fmt::format("must be a whole number from 0 to {}", largest_number));
    out = static_cast<unsigned>(number->get());
}

void decode(const toml::node& from, const toml_place& where, std::chrono::milliseconds& out)
{
    unsigned number = 0;
    decode(from, where, number);
    out = std::chrono::milliseconds(number);
}

void decode(const toml::node& from, const toml_place& where, body& out)
{
    std::string text;
    decode(from, where, text);
    try {
        out = parse_body("this", text);
    } catch (const usage_error& error) {
        refuse(where, std::string_view(error.what()).substr(std::string_view("this: ").size()));
    }
}

void decode(
    const toml::node& from,
    const toml_place& where,
    std::vector<std::pair<std::string, std::string>>& out
)
{
    const toml::table* const table = from.as_table();
    if (table == nullptr)
        refuse(where, "must be a table of strings");
    out.clear();
    for (const auto& [key, each] : *table) {
        auto& [name, text] = out.emplace_back();
        name = key.str();
        decode(each, toml_place{where.file, joined(where.key, name), each.source().begin}, text);
    }
}

const toml::table* table_reader::table(std::string_view key)
{
    asked_.push_back(key);
    const toml::node* const found = from_.get(key);
    if (found != nullptr && !found->is_table())
        refuse(place_of(key), "must be a table");
    return found != nullptr ? found->as_table() : nullptr;
}

toml_place table_reader::place_of(std::string_view key) const
{
    const toml::node* const found = from_.get(key);
    return {where_.file, joined(where_.key, key), found ? found->source().begin : where_.at};
}

void table_reader::finish() const
{
    for (const auto& [key, each] : from_)
        if (std::find(asked_.begin(), asked_.end(), key.str()) == asked_.end())
            refuse(
                {where_.file, joined(where_.key, key.str()), key.source().begin},
                "is no key of a recipe; " + suggestion(key.str(), asked_)
            );
    if (!missing_.empty())
        refuse({where_.file, joined(where_.key, missing_.front()), where_.at}, "is missing");
}

} // namespace finwait::daemon
