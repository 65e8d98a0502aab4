// What can be wrong with a request: RFC 9457, each kind with a stable code.
#pragma once

#include "probe/model/words.hpp"

#include <string>

namespace finwait::web {

enum class problem_code {
    bad_request,
    unknown_parameter,
    cross_origin,
    not_found,
    read_only_listener,
    length_required,
    payload_too_large,
    expectation_failed,
    host_not_allowed,
    header_too_large,
    internal,
    not_implemented,
    busy,
};

/// A refusal, before it is a document.
struct problem
{
    problem_code code = problem_code::internal;
    std::string detail; ///< one sentence; never bytes of the request that were not checked
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
    static constexpr std::array<std::string_view, 13> table{
        "bad_request",
        "unknown_parameter",
        "cross_origin",
        "not_found",
        "read_only_listener",
        "length_required",
        "payload_too_large",
        "expectation_failed",
        "host_not_allowed",
        "header_too_large",
        "internal",
        "not_implemented",
        "busy"};
};

} // namespace finwait
