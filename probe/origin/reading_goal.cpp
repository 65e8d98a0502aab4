#include "probe/origin/reading_goal.hpp"

#include <algorithm>
#include <limits>

namespace finwait::origin {

std::uint64_t reading_goal::body_target(const request_reader& request) const
{
    const body arriving{framing::length, request.announced_bytes().value_or(expected.bytes)};
    return std::min(bytes_until_kill(arriving, position), at_most);
}

bool reading_goal::reached(const request_reader& request, std::uint64_t total_bytes) const
{
    if (request.complete())
        return true;
    switch (until) {
    case kind::bytes:
        return total_bytes >= bytes;
    case kind::head:
        return request.head_complete();
    case kind::body:
        return request.head_complete() && request.body_bytes() >= body_target(request);
    case kind::whole:
        return false;
    }
    return false;
}

std::size_t reading_goal::appetite(const request_reader& request, std::uint64_t total_bytes) const
{
    switch (until) {
    case kind::bytes:
        return static_cast<std::size_t>(bytes - std::min(bytes, total_bytes));
    case kind::head:
        return 1; // where a head ends is known only once its end has been read
    case kind::body:
        return request.next_within(
            body_target(request) - std::min(body_target(request), request.body_bytes())
        );
    case kind::whole:
        break;
    }
    return std::numeric_limits<std::size_t>::max();
}

reading_goal goal_of(const script& how)
{
    using kind = reading_goal::kind;
    reading_goal goal;
    goal.expected = how.request;
    goal.position = how.position;
    const bool client_stops = how.request_bytes_until_stall > 0 && !how.blocked;
    if (how.at == kill_point::request_headers ||
        (how.at == kill_point::request_body && client_stops)) {
        goal.until = kind::bytes;
        goal.bytes = client_stops ? how.request_bytes_until_stall : reading_goal::few_bytes;
    } else if (how.at == kill_point::request_body) {
        goal.until = kind::body;
        if (how.blocked)
            goal.at_most = reading_goal::most_when_blocked_bytes;
    } else if (how.at == kill_point::expect_continue) {
        goal.until = kind::head;
    }
    return goal;
}

} // namespace finwait::origin
