// Strict reading of TOML tables: no key is overlooked, every complaint says where. Only for
// recipe.cpp: toml++ takes long to compile.
#pragma once

#include "daemon/plan_arguments.hpp"
#include "probe/model/words.hpp"
#include "web/json/nearest.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <toml++/toml.h>

namespace finwait::daemon {

/// Where a value stands, for complaints.
struct toml_place
{
    const std::string& file;
    std::string key; ///< dotted
    toml::source_position at;
};

/// Throws usage_error: `FILE:LINE:COLUMN: KEY DETAIL`.
[[noreturn]] void refuse(const toml_place& where, std::string_view detail);

void decode(const toml::node& from, const toml_place& where, std::string& out);
void decode(const toml::node& from, const toml_place& where, bool& out);
/// From 0 to a million.
void decode(const toml::node& from, const toml_place& where, unsigned& out);
/// A number of them.
void decode(const toml::node& from, const toml_place& where, std::chrono::milliseconds& out);
/// `length:8m`.
void decode(const toml::node& from, const toml_place& where, body& out);
/// A table of strings.
void decode(
    const toml::node& from,
    const toml_place& where,
    std::vector<std::pair<std::string, std::string>>& out
);

/// One of an enumeration's words.
template <class Enum>
requires std::is_enum_v<Enum>
void decode(const toml::node& from, const toml_place& where, Enum& out)
{
    std::string text;
    decode(from, where, text);
    const auto known = from_word<Enum>(text);
    if (!known)
        refuse(
            where,
            fmt::format(
                "has no {} {}; {}",
                words<Enum>::what,
                in_quotes(text),
                suggestion(text, words<Enum>::table)
            )
        );
    out = *known;
}

template <class T>
void decode(const toml::node& from, const toml_place& where, std::optional<T>& out)
{
    decode(from, where, out.emplace());
}

template <class T>
void decode(const toml::node& from, const toml_place& where, std::vector<T>& out)
{
    const toml::array* const list = from.as_array();
    if (list == nullptr)
        refuse(where, "must be a list");
    out.clear();
    for (const toml::node& each : *list) {
        const auto key = fmt::format("{}[{}]", where.key, out.size());
        decode(each, toml_place{where.file, key, each.source().begin}, out.emplace_back());
    }
}

/// Reads the keys of one table. Ask for every key that may be there, then call finish().
class table_reader
{
public:
    /// `where` is the table's own place; its key is empty for the whole file.
    table_reader(const toml::table& from, toml_place where) : from_(from), where_(std::move(where))
    {
    }

    /// A key that may be absent: `out` keeps what it has.
    template <class T>
    bool may(std::string_view key, T& out)
    {
        asked_.push_back(key);
        const toml::node* const found = from_.get(key);
        if (found)
            decode(*found, place_of(key), out);
        return found != nullptr;
    }

    /// A key that has to be there.
    template <class T>
    void need(std::string_view key, T& out)
    {
        if (!may(key, out))
            missing_.push_back(key);
    }

    /// A table that may be absent: nullptr.
    const toml::table* table(std::string_view key);

    /// Where a key's value stands; the table's own place when it is not there.
    toml_place place_of(std::string_view key) const;

    /// Refuses unknown keys, with the nearest right one, and missing ones.
    void finish() const;

private:
    const toml::table& from_;
    toml_place where_;
    std::vector<std::string_view> asked_;
    std::vector<std::string_view> missing_;
};

} // namespace finwait::daemon
