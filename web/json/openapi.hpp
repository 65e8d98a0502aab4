// The API's description of itself.
#pragma once

#include "web/routes.hpp"
#include "web/schemas.hpp"

#include <span>
#include <string>

namespace finwait::json {

/// An OpenAPI 3.1 document of these operations, which holds the schemas that they speak of and
/// those that these speak of.
std::string
openapi(std::span<const web::operation> operations, std::span<const web::schema_file> schemas);

} // namespace finwait::json
