// Which paths there are, with which methods, and who answers them.
#pragma once

#include "web/answer.hpp"
#include "web/backend.hpp"
#include "web/counts.hpp"
#include "web/guard.hpp"
#include "web/reaction.hpp"
#include "web/request.hpp"
#include "web/status_page.hpp"

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace finwait::web {

/// What a handler reads and asks.
struct surroundings
{
    backend& from;
    status_page& status;
    const api_counts& counts;
    std::chrono::milliseconds longest_wait;
};

using handler = reaction (*)(const request&, const surroundings&);

/// Whether everybody gets an answer or only who may open the Unix socket.
enum class audience { everybody, unix_socket };

/// What an operation answers with when it succeeds.
enum class answer_kind { json, text, metrics, events, schema };

/// One method of one path, and all that the OpenAPI document says of it.
struct operation
{
    web::method method = method::get;
    std::string_view pattern; ///< `{id}` stands for one segment, `{name}.json` for a file's name
    handler run = nullptr;
    std::string_view summary; ///< one sentence
    std::string_view schema;  ///< of the document that it answers with; or empty
    answer_kind kind = answer_kind::json;
    std::array<std::string_view, 9> parameters{}; ///< query keys; unused ones are empty
    audience whom = audience::everybody;
    unsigned success = 200;
    std::string_view body{}; ///< schema of the body that it takes, or empty
};

/// All of them, in the order of the documentation; operations of the same path stand together.
std::span<const operation> operations();

/// The query keys of an operation.
std::span<const std::string_view> parameters_of(const operation& what);

/// What takes this request, having set its `id`; or why nothing does: 404 when there is no such
/// path, 405 when it does not know the method, 403 when it is for the Unix socket, 400 for a query
/// key that it does not know or that is there twice. Answers OPTIONS, too: 204 with `Allow`.
std::variant<const operation*, answer> choose(request& wanted, const guard_rules& rules);

} // namespace finwait::web
