// Lists of documents as tables for people: `Accept: text/plain`.
#pragma once

#include "web/backend.hpp"

#include <span>
#include <string>
#include <string_view>

namespace finwait::json {

/// A column of a table.
struct column
{
    std::string_view heading;
    std::string_view pointer; ///< RFC 6901, into each document
};

/// A line of headings and a line for each document. What a document does not have is `-`, a list
/// is its length; everything that could command a terminal is escaped.
std::string text_table(std::span<const web::document> items, std::span<const column> columns);

/// The same of the list that stands in one document under `key`.
std::string
text_table(const std::string& whole, std::string_view key, std::span<const column> columns);

} // namespace finwait::json
