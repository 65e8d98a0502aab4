// The JSON Schemas of the documents, compiled in from web/schemas.
#pragma once

#include <span>
#include <string_view>

namespace finwait::web {

struct schema_file
{
    std::string_view name; ///< without `.json`
    std::string_view text; ///< as it stands in the source tree
};

/// All of them, sorted by name.
std::span<const schema_file> schemas();

} // namespace finwait::web
