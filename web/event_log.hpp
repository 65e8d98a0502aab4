// What happened in the daemon, numbered, for those who listen: a ring of the newest events, and the
// index of the status, which grows whenever the status means something else.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace finwait::web {

/// One of them, as a Server-Sent Event carries it (HTML standard, server-sent events).
struct event
{
    std::uint64_t id = 0;
    std::string name;                        ///< `audit`, `report`, `config`, `resync`
    std::string audit;                       ///< the id of the audit it belongs to, or empty
    std::shared_ptr<const std::string> data; ///< one line of JSON
};

/// Everything in one thread. Listeners are called in the turn of the event loop that adds.
class event_log
{
public:
    /// `first`: from what number to count; the time of start in microseconds, so that the ids of an
    /// earlier daemon are older than all of this one's and a double still holds them.
    explicit event_log(std::uint64_t first = 1, std::size_t capacity = 1024);

    /// Adds one and tells it to all listeners.
    void add(std::string name, std::string audit, std::shared_ptr<const std::string> data);

    /// Those after `id` that are still there; nullopt: some of them are gone, or `id` was never
    /// given out (`resync`).
    std::optional<std::vector<event>> after(std::uint64_t id) const;

    /// The id of the newest.
    std::uint64_t newest() const { return next_ - 1; }

    /// The status means something else now than before.
    void status_changed();
    std::uint64_t status_index() const { return status_index_; }

    /// Grows with each event and each change of the status: what was made from either is out of
    /// date when it has grown.
    std::uint64_t revision() const { return revision_; }

    /// Called at each event (or at each change of the status, with null).
    using listener = std::function<void(const event*)>;
    /// Its end ends the calls. It may outlive the log.
    class subscription;
    [[nodiscard]] std::shared_ptr<subscription> listen(listener told);

private:
    using listeners = std::map<std::uint64_t, listener>;

    void tell(const event* what);

    std::uint64_t next_;
    std::uint64_t status_index_;
    std::uint64_t revision_ = 0;
    std::size_t capacity_;
    std::deque<event> ring_;
    std::uint64_t next_listener_ = 1;
    std::shared_ptr<listeners> listeners_ = std::make_shared<listeners>();
};

} // namespace finwait::web
