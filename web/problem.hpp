// What can be wrong with a request: RFC 9457, each kind with a stable code.
#pragma once

#include "probe/model/words.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace finwait::web {

enum class problem_code {
    bad_request,
    invalid_body,
    unknown_parameter,
    unauthenticated,
    cross_origin,
    target_not_allowed,
    unix_socket_only,
    not_found,
    unknown_target,
    unknown_subject,
    method_not_allowed,
    read_only_listener,
    already_finished,
    length_required,
    payload_too_large,
    not_json,
    expectation_failed,
    host_not_allowed,
    bad_config,
    limit_exceeded,
    header_too_large,
    internal,
    not_implemented,
    busy,
};

/// One thing that was wrong: with a body, or with a file.
struct problem_part
{
    std::string pointer;    ///< into the body (RFC 6901), or empty
    std::string detail;     ///< one sentence
    std::string file{};     ///< of a configuration, or empty
    std::uint64_t line = 0; ///< of the file, from 1; 0: not known
    std::uint64_t column = 0;
};

/// A refusal, before it is a document.
struct problem
{
    problem_code code = problem_code::internal;
    std::string detail; ///< one sentence; never bytes of the request that were not checked
    std::vector<problem_part> errors{};
};

/// The HTTP status of a problem.
unsigned status_of(problem_code code);

/// The same sentence for every problem of that code.
std::string_view title_of(problem_code code);

} // namespace finwait::web

namespace finwait {

template <>
struct words<web::problem_code>
{
    static constexpr std::string_view what = "problem";
    static constexpr std::array<std::string_view, 24> table{
        "bad_request",        "invalid_body",       "unknown_parameter",  "unauthenticated",
        "cross_origin",       "target_not_allowed", "unix_socket_only",   "not_found",
        "unknown_target",     "unknown_subject",    "method_not_allowed", "read_only_listener",
        "already_finished",   "length_required",    "payload_too_large",  "not_json",
        "expectation_failed", "host_not_allowed",   "bad_config",         "limit_exceeded",
        "header_too_large",   "internal",           "not_implemented",    "busy"};
};

} // namespace finwait
