// Handlers that outlive what they call.
#pragma once

#include <memory>
#include <utility>

namespace finwait::daemon {

/// A member of whatever others call back, out of an event loop's queue or another part's keeping:
/// what it has guarded does nothing once it is cut or gone. Of one thread.
class lifeline
{
public:
    lifeline() = default;
    ~lifeline() = default;
    lifeline(const lifeline&) = delete;
    lifeline& operator=(const lifeline&) = delete;

    /// Calls `then` with whatever it is called with, as long as this is there and not cut.
    template <class Function>
    auto guarded(Function then) const
    {
        return [alive = std::weak_ptr<int>(alive_), then](auto&&... arguments) {
            if (!alive.expired())
                then(std::forward<decltype(arguments)>(arguments)...);
        };
    }

    void cut() { alive_.reset(); }
    bool is_cut() const { return !alive_; }

private:
    std::shared_ptr<int> alive_ = std::make_shared<int>();
};

} // namespace finwait::daemon
