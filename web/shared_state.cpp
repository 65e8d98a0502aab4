#include "web/shared_state.hpp"

#include "web/connection.hpp"

#include <algorithm>

namespace finwait::web {

using clock = std::chrono::steady_clock;
using boost::system::error_code;

void shared_state::watch(clock::time_point deadline)
{
    if (deadline < armed_ && !is_stopped_) // what still runs then finds its socket closed
        arm(deadline);
}

void shared_state::stop()
{
    is_stopped_ = true;
    timer_.cancel();
    armed_ = clock::time_point::max();
    for (auto* each : open)
        close_now(*each);
}

void shared_state::arm(clock::time_point when)
{
    armed_ = when;
    timer_.expires_at(when);
    timer_.async_wait([self = shared_from_this()](const error_code& cancelled) {
        if (!cancelled)
            self->sweep();
    });
}

void shared_state::sweep()
{
    const auto now = clock::now();
    auto next = clock::time_point::max();
    for (auto* each : open)
        if (const auto deadline = deadline_of(*each); deadline <= now)
            close_now(*each);
        else
            next = std::min(next, deadline);
    armed_ = clock::time_point::max();
    if (next != armed_)
        watch(next);
}

} // namespace finwait::web
