// Reads the query of a request, and the fields that negotiate.
#pragma once

#include "probe/model/words.hpp"
#include "probe/ulid.hpp"
#include "web/answer.hpp"
#include "web/backend.hpp"
#include "web/json/nearest.hpp"
#include "web/request.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace finwait::web {

/// Reads parameter after parameter; the first that is wrong is kept. A parameter that is not there
/// leaves its `out` as it is.
class query_reader
{
public:
    explicit query_reader(const request& from) : from_(from) {}

    /// The value, or nullptr.
    const std::string* find(std::string_view key) const;

    /// One of an enumeration's words.
    template <class Enum>
    void word(std::string_view key, std::optional<Enum>& out)
    {
        const auto* text = find(key);
        if (!text)
            return;
        out = from_word<Enum>(*text);
        if (!out)
            refuse(
                "no " + std::string(words<Enum>::what) + " " + in_quotes(*text) + "; " +
                suggestion(*text, words<Enum>::table)
            );
    }
    /// `true` or `false`.
    void flag(std::string_view key, std::optional<bool>& out);
    /// A ULID.
    void id(std::string_view key, std::optional<std::string>& out);
    /// 1 to 80 characters of a-z, 0-9, `_`, `-`, and `:` between a subject and its mode.
    void name(std::string_view key, std::optional<std::string>& out);
    /// The same, or `ad hoc`: what documents call an audit that the configuration does not name.
    void audit_name(std::string_view key, std::optional<std::string>& out);
    /// A whole number.
    void number(std::string_view key, std::optional<std::uint64_t>& out);
    /// `500ms`, `30s`, `2m`, `0`; more than `most` becomes that.
    void duration(
        std::string_view key,
        std::chrono::milliseconds most,
        std::optional<std::chrono::milliseconds>& out
    );
    /// `limit` and `cursor`.
    void page(page_query& out);

    /// Notes that something is wrong.
    void refuse(std::string detail);
    /// 400 for the first thing that was wrong, or nullopt.
    std::optional<answer> wrong() const;

private:
    const request& from_;
    std::optional<std::string> wrong_;
};

/// A wait of that time, later by up to a sixteenth of it, so that those who began together do not
/// come back together. Where that would be more than `most`, it is as much earlier. `chance`: any
/// number, such as the clock's.
std::chrono::milliseconds spread(
    std::chrono::milliseconds time, std::chrono::milliseconds most, std::chrono::microseconds chance
);

/// Text that may stand in a query: all but unreserved characters percent-encoded (RFC 3986 2.3).
std::string encoded(std::string_view text);

/// How much the client wants a media type, 0 to 1: RFC 9110 12.5.1. 1 when `accept` is empty. The
/// most specific range counts; parameters besides `q` are not looked at.
double quality_of(std::string_view accept, std::string_view type);

/// Whether a list should be a table for people.
bool prefers_text(const request& wanted);

/// RFC 7240: `wait=N` in seconds, and `respond-async`. What cannot be read is not there.
struct preferences
{
    std::optional<std::chrono::seconds> wait;
    bool respond_async = false;
};
preferences preferences_of(const request& wanted);

} // namespace finwait::web
