// Which paths there are and who answers them.
#pragma once

#include "web/answer.hpp"
#include "web/backend.hpp"
#include "web/target.hpp"

#include <array>
#include <span>
#include <string>
#include <string_view>

namespace finwait::web {

/// A request that the guard has let through.
struct request
{
    target where;
    std::string if_none_match; ///< the field's value, or empty
    std::string_view id{};     ///< what stands for `{id}` in the route; set by `respond`
};

using handler = answer (*)(const request&, const backend&);

/// One path, and the query keys that it knows.
struct route
{
    std::string_view pattern; ///< `{id}` stands for one segment
    handler run;
    std::array<std::string_view, 3> parameters{}; ///< unused ones are empty
};

/// All of them, in the order of the documentation.
std::span<const route> routes();

/// Answers GET. 404 when there is no such path, 400 for a query key that it does not know.
answer respond(request wanted, const backend& from);

/// Answers OPTIONS: 204 with `Allow`, or 404.
answer options_of(const target& where);

} // namespace finwait::web
