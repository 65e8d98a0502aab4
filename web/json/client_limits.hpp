// How much of another program's client is taken, from whomever it comes. Pure.
#pragma once

#include "probe/subject/client_order.hpp"
#include "web/json/json.hpp"

#include <chrono>
#include <cstddef>
#include <optional>

namespace finwait::json {

constexpr std::size_t most_arguments = 256;
constexpr std::size_t longest_argument_bytes = 64 * 1024; ///< below MAX_ARG_STRLEN, execve(2)
constexpr std::size_t most_variables = 256;
/// Of arguments and environment together. A program gets 2 MiB for them and for what it inherits
/// (a quarter of the stack's limit, execve(2)).
constexpr std::size_t most_client_bytes = 1024 * 1024;
constexpr std::size_t longest_hold_bytes = 1024;
constexpr std::size_t longest_release_bytes = 4096;
constexpr std::size_t most_looks = 16;
constexpr std::chrono::milliseconds longest_wait = std::chrono::minutes(10);
constexpr unsigned largest_baseline = 10'000;

/// What is wrong with an order, by the member's JSON name (`command[3]`, `env.PATH`, `settle_ms`);
/// nullopt: nothing. Texts must be UTF-8, since they travel as JSON, and must not contain a zero
/// byte; the hold must be a line_pattern. Whether the program exists is not
/// asked.
std::optional<parse_error> why_refused(const subject::client_order& what);

} // namespace finwait::json
