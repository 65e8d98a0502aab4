// The documents of finwait as JSON, and back. Nothing else in the project knows JSON.
// Compact, UTF-8 (invalid bytes of a peer become U+FFFD), keys in the order of the documentation.
#pragma once

#include "probe/model/audit.hpp"
#include "probe/model/possible.hpp"
#include "probe/subject/client_order.hpp"

#include <boost/system/result.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace finwait::json {

/// Why a text is not the document it should be.
struct parse_error
{
    std::string field; ///< dotted path (`request.body_bytes`), or empty: the text is no JSON object
    std::string detail; ///< what was wrong and what would be right, with the nearest right word
};

/// A value or why not.
template <class T>
class parsed
{
public:
    parsed(T value) : value_(std::move(value)) {}
    parsed(parse_error error) : error_(std::move(error)) {}
    explicit operator bool() const { return value_.has_value(); }
    T& operator*() { return *value_; }
    const T& operator*() const { return *value_; }
    T* operator->() { return &*value_; }
    const T* operator->() const { return &*value_; }
    const parse_error& error() const { return error_; }

private:
    std::optional<T> value_;
    parse_error error_;
};

/// A plan as the worker takes it: the plan, for whoever sends many the id its report gets, and
/// the program whose client is killed, unless that is the built-in one.
struct plan_line
{
    finwait::plan plan;
    std::optional<std::string> id; ///< ULID; absent: the worker makes one
    std::optional<subject::client_order> client;
};

std::string dump(const plan& what);
std::string dump(const plan_line& what);
std::string dump(const report& what);
std::string dump(const audit& what);
/// An audit without its reports, as lists show it.
std::string dump_brief(const audit& what);
/// `finwait.environment/1`: what a worker says first.
std::string dump(const environment& what);
/// `finwait.matrix/1`: the audit's reports, counted by cell, client by client.
std::string dump_matrix(const audit& what);
/// `{"schema":"finwait.error/1","line":3,"field":"at","detail":"…","id":…}`
std::string
dump_error(std::uint64_t line, const std::optional<std::string>& id, const parse_error& why);

/// A line of a worker that refused a line of ours.
struct error_line
{
    std::uint64_t line = 0;        ///< of its standard input, from 1
    std::optional<std::string> id; ///< of the plan, where it could be read
    parse_error why;
};

/// Strict: unknown keys, wrong types, numbers out of range, unknown words are refused. Only `at`
/// and `by` are required; the rest has the defaults of `plan`. Does not ask why_impossible().
/// A client's bounds stand in web/json/client_limits.hpp.
/// 32 levels of nesting at most. The documents of a worker need every key that dump() writes.
parsed<plan_line> parse_plan(std::string_view text);
parsed<report> parse_report(std::string_view text);
parsed<audit> parse_audit(std::string_view text);
parsed<environment> parse_environment(std::string_view text);
parsed<error_line> parse_error_line(std::string_view text);

/// What a worker's output line is, by its `schema`.
enum class line_kind { report, environment, error, unknown };
line_kind kind_of(std::string_view text);

} // namespace finwait::json
