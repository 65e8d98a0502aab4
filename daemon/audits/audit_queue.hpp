// Who runs when audits meet: one at a time, in the order of asking, never the same twice. Pure.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace finwait::daemon {

/// What came of asking for an audit.
enum class admission {
    queued, ///< it waits, or runs as soon as next() is asked
    joined, ///< the same one waits or runs already: its id counts
    full,   ///< too many wait
};

/// What came of wanting to end one.
enum class removal {
    unqueued, ///< it waited, and is gone
    running,  ///< it runs: whoever runs it has to end it, and to tell ended()
    unknown,  ///< neither
};

/// Audits that wait, and the one that runs.
class audit_queue
{
public:
    /// `limit`: how many may wait. When it shrinks those that wait already stay.
    explicit audit_queue(std::size_t limit) : limit_(limit) {}
    void set_limit(std::size_t limit) { limit_ = limit; }

    struct asked
    {
        admission came_out = admission::full;
        std::string id; ///< of what waits or runs now; empty when full
    };
    /// `key` is what makes two audits the same: the name, or a canonical text of the choice.
    asked ask(const std::string& key, const std::string& id);

    struct ticket
    {
        std::string key;
        std::string id;
    };
    /// The one to run now: nullopt while one runs, and when none waits. It runs from now on.
    std::optional<ticket> next();

    /// The running one has ended. Another id is passed over.
    void ended(std::string_view id);

    removal remove(std::string_view id);

    const std::optional<ticket>& running() const { return running_; }
    /// In their order.
    const std::deque<ticket>& waiting() const { return waiting_; }

private:
    std::size_t limit_;
    std::optional<ticket> running_;
    std::deque<ticket> waiting_;
};

} // namespace finwait::daemon
