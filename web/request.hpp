// A request that the guard has let through, as handlers see it.
#pragma once

#include "web/backend.hpp"
#include "web/target.hpp"

#include <string>

namespace finwait::web {

/// HEAD is a GET whose body is not sent.
enum class method { get, post, delete_, options, other };

struct request
{
    web::method method = method::get;
    target where;
    peer by;
    std::string if_none_match{}; ///< the fields' values, or empty
    std::string accept{};
    std::string prefer{};
    std::string last_event_id{};
    std::string body{};
    std::string id{}; ///< what stands for `{id}` or `{name}` in the path
};

} // namespace finwait::web
