// Strict reading of JSON: no number becomes another, no key is overlooked, no depth is unlimited.
// nlohmann converts 1.9 to 1 and 300 to 44 without a word, keeps the last of two equal keys and
// lets a million brackets overflow the stack of whoever prints them; none of that passes here.
#pragma once

#include "probe/model/endpoint.hpp"
#include "probe/model/words.hpp"
#include "web/json/json.hpp"
#include "web/json/nearest.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <concepts>
#include <map>
#include <utility>
#include <vector>

namespace finwait::json {

using value = nlohmann::json;

/// Where in a document: a chain on the stack, made into text (`request.body_bytes`) only for an
/// error.
struct place
{
    const place* parent = nullptr;
    std::string_view key{};
    std::size_t index = 0; ///< within a list, when `key` is empty
};

/// The first thing that was wrong. Readers go on after a refusal, and do nothing.
class fault
{
public:
    explicit operator bool() const { return first_.has_value(); }
    void refuse(const place& where, std::string detail);
    const parse_error& error() const { return *first_; }

private:
    std::optional<parse_error> first_;
};

/// Parses one JSON object, nothing else around it: at most 32 levels, no key twice, no byte order
/// mark. On a refusal the value is null and `why` set.
value parse_object(std::string_view text, fault& why);

/// Reads the keys of one object. Ask for every key that may be there, then call `finish`.
class object_reader
{
public:
    object_reader(const value& from, const place& at, fault& why);

    /// A key that has to be there.
    template <class T>
    void need(std::string_view key, T& out)
    {
        if (const value* found = find(key); found)
            decode(*found, place{&at_, key}, why_, out);
        else if (missing_.empty())
            missing_ = key;
    }

    /// A key that may be absent: `out` keeps what it has.
    template <class T>
    bool may(std::string_view key, T& out)
    {
        const value* found = find(key);
        if (found)
            decode(*found, place{&at_, key}, why_, out);
        return found != nullptr;
    }

    /// `"schema":"finwait.report/1"` and no other.
    void need_schema(std::string_view wanted);

    /// Refuses unknown keys, with the nearest right one, and missing ones.
    void finish();
    /// Refuses missing keys only: whoever wrote this may be newer and say more.
    void finish_known();

private:
    const value* find(std::string_view key);

    const value& from_;
    const place& at_;
    fault& why_;
    bool readable_;
    std::size_t found_ = 0;
    std::vector<std::string_view> asked_;
    std::string_view missing_;
};

void decode(const value& from, const place& at, fault& why, bool& out);
void decode(const value& from, const place& at, fault& why, std::string& out);
void decode(const value& from, const place& at, fault& why, endpoint& out);
void decode(
    const value& from, const place& at, fault& why, std::chrono::system_clock::time_point& out
);
/// A finite number, whole or not.
void decode(const value& from, const place& at, fault& why, double& out);

/// A whole number that the type can hold: 1.0, true and "1" are none.
template <std::integral T>
void decode(const value& from, const place& at, fault& why, T& out)
{
    using limits = std::numeric_limits<T>;
    if (from.is_number_unsigned() && std::in_range<T>(from.get<std::uint64_t>()))
        out = static_cast<T>(from.get<std::uint64_t>());
    else if (from.is_number_integer() && !from.is_number_unsigned() && std::in_range<T>(from.get<std::int64_t>()))
        out = static_cast<T>(from.get<std::int64_t>());
    else
        why.refuse(
            at, fmt::format("must be a whole number from {} to {}", limits::min(), limits::max())
        );
}

/// One of an enumeration's words.
template <class Enum>
requires std::is_enum_v<Enum>
void decode(const value& from, const place& at, fault& why, Enum& out)
{
    std::string text;
    decode(from, at, why, text);
    if (const auto known = from_word<Enum>(text); known)
        out = *known;
    else if (from.is_string())
        why.refuse(
            at,
            fmt::format(
                "no {} {}; {}",
                words<Enum>::what,
                in_quotes(text),
                suggestion(text, words<Enum>::table)
            )
        );
}

/// null is absence.
template <class T>
void decode(const value& from, const place& at, fault& why, std::optional<T>& out)
{
    if (from.is_null())
        return out.reset();
    T there{};
    decode(from, at, why, there);
    out = std::move(there);
}

template <class T>
void decode(const value& from, const place& at, fault& why, std::vector<T>& out)
{
    out.clear();
    if (!from.is_array())
        return why.refuse(at, "must be a list");
    out.reserve(from.size());
    for (const value& element : from) {
        const place here{&at, {}, out.size()};
        decode(element, here, why, out.emplace_back());
    }
}

template <class T>
void decode(
    const value& from, const place& at, fault& why, std::map<std::string, T, std::less<>>& out
)
{
    out.clear();
    if (!from.is_object())
        return why.refuse(at, "must be an object");
    for (const auto& [key, element] : from.items())
        decode(element, place{&at, key}, why, out[key]);
}

// The parts of documents that others contain.
void decode(const value& from, const place& at, fault& why, plan& out);
void decode(const value& from, const place& at, fault& why, subject::client_order& out);
void decode(const value& from, const place& at, fault& why, report& out);
void decode(const value& from, const place& at, fault& why, environment& out);

/// The keys of an environment, in whatever object they stand.
void read_environment(object_reader& in, environment& out);
/// The keys of a plan, in whatever object they stand. Only `at` and `by` are required.
void read_plan(object_reader& in, plan& out);

} // namespace finwait::json
