// What goes back to the client: a status, a body that may be shared, and a few fields.
#pragma once

#include "web/backend.hpp"
#include "web/problem.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace finwait::web {

/// An answer before it is bytes. Field values are ours: nothing of a request stands in them but
/// ids and query values, percent-encoded.
struct answer
{
    unsigned status = 200;
    std::string content_type; ///< empty: there is no body and no length (204, 304)
    document body;
    std::vector<std::pair<std::string, std::string>> fields{}; ///< besides the usual ones
};

/// 200 with a JSON document.
answer json_answer(document body);
answer json_answer(std::string body);

/// Plain text in UTF-8.
answer text_answer(unsigned status, std::string text);

/// A problem with its status and the fields that belong to it (`Allow` of a read-only listener,
/// `Retry-After`, `WWW-Authenticate`). `instance` is the path asked for, or empty.
answer problem_answer(const problem& what, std::string_view instance = {});

/// Whether the connection goes on after an answer.
enum class then { keep_alive, close };

/// The bytes before the body: status line, usual fields (the same on every answer), the answer's
/// own, and the empty line. Content-Length is that of the body even when the body is not sent
/// (HEAD).
std::string head_of(const answer& what, then next);

/// The same before a stream whose length nobody knows: it ends with the connection.
std::string head_of_stream(std::string_view content_type);

} // namespace finwait::web
