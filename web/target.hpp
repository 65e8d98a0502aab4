// The target of a request in origin form, checked and taken apart.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace finwait::web {

/// `/api/v1/audits?limit=5`, percent-decoded.
struct target
{
    std::string path;                  ///< as it came: only characters that RFC 3986 allows
    std::vector<std::string> segments; ///< between the slashes; an empty one matches no route
    std::vector<std::pair<std::string, std::string>> query; ///< in order; a value may be empty
};

/// nullopt when it is not in origin form (absolute, authority, `*`), has a character that RFC 3986
/// 3.3 and 3.4 do not allow, a wrong percent encoding, an encoded control byte, an encoded slash
/// or backslash in a segment, or a segment `.` or `..` however written. Nothing is ever resolved.
std::optional<target> parse_target(std::string_view raw);

} // namespace finwait::web
