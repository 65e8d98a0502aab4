// Strict reading of TOML tables in which every mistake is noted and reading goes on. Only for the
// sources beside it: toml++ takes long to compile.
#pragma once

#include "daemon/config/load.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <toml++/toml.h>

namespace finwait::daemon {

/// Where something stands.
struct config_place
{
    std::size_t file = 0; ///< its index among those that are read
    unsigned line = 0;
    unsigned column = 0;
};

/// Mistakes as they are found; in no order.
class config_findings
{
public:
    void add(config_place where, std::string detail)
    {
        found_.emplace_back(where, std::move(detail));
    }
    bool empty() const { return found_.empty(); }
    std::size_t size() const { return found_.size(); }

    /// In the order of files, lines and columns.
    std::vector<config_error> sorted(const std::vector<std::filesystem::path>& files) const;

private:
    std::vector<std::pair<config_place, std::string>> found_;
};

// Each reads one value; nullopt: it is of another kind, and `why` says what it must be, to follow
// the name of the key.
template <class T>
struct toml_value;

template <>
struct toml_value<std::string>
{
    static std::optional<std::string> of(const toml::node& from, std::string& why);
};
template <>
struct toml_value<bool>
{
    static std::optional<bool> of(const toml::node& from, std::string& why);
};
template <>
struct toml_value<std::chrono::milliseconds>
{
    static std::optional<std::chrono::milliseconds> of(const toml::node& from, std::string& why);
};

/// One element of a list, for complaints about it.
struct placed_text
{
    std::string text;
    config_place where;
};

/// The keys of one table. Ask for every key that may be there; then finish().
class section
{
public:
    /// `key` is the table's own, dotted; empty for a whole file.
    section(const toml::table& from, std::string key, config_place where, config_findings& out)
        : from_(from), key_(std::move(key)), where_(where), out_(out)
    {
    }

    /// A key that may be absent. nullopt also when it is wrong, which is noted.
    template <class T>
    std::optional<T> may(std::string_view key)
    {
        const toml::node* const found = node(key);
        if (found == nullptr)
            return std::nullopt;
        std::string why;
        std::optional<T> value = toml_value<T>::of(*found, why);
        if (!value)
            refuse(key, why);
        return value;
    }

    /// A whole number within bounds.
    std::optional<unsigned> number(std::string_view key, unsigned least, unsigned most);
    /// A number of bytes, or a text with a unit.
    std::optional<std::uint64_t> bytes(std::string_view key);
    /// A list of strings.
    std::optional<std::vector<placed_text>> texts(std::string_view key);
    /// A table; nullptr when there is none, or something else, which is noted.
    const toml::table* table(std::string_view key);
    /// The tables of a list; those that are none are noted and left out.
    std::vector<const toml::table*> tables(std::string_view key);

    /// Notes that a key's value is wrong. `detail` follows the key's name.
    void refuse(std::string_view key, std::string_view detail);
    void refuse(const placed_text& what, std::string_view key, std::string_view detail);

    /// Where a key's value stands; the table's own place when it is not there.
    config_place place_of(std::string_view key) const;
    config_place place() const { return where_; }
    const std::string& key() const { return key_; }
    std::string dotted(std::string_view key) const;
    bool has(std::string_view key) const { return from_.contains(key); }
    /// The same, and it is asked for from now on.
    bool asked(std::string_view key) { return node(key) != nullptr; }

    /// Notes what was not asked for, with the nearest right word.
    void finish();

private:
    const toml::node* node(std::string_view key);

    const toml::table& from_;
    std::string key_;
    config_place where_;
    config_findings& out_;
    std::vector<std::string_view> asked_;
};

/// Where a node stands.
config_place place_of(const toml::node& what, std::size_t file);

} // namespace finwait::daemon
