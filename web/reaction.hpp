// What a handler does with a request: answers it at once, later, or with a stream of events.
#pragma once

#include "web/answer.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>

namespace finwait::web {

/// When a delayed answer is asked for: because something may have changed, or because the time is
/// over, and then there has to be one.
enum class occasion { change, end };

/// An answer that may have to wait.
struct delayed
{
    std::chrono::milliseconds at_most{0};
    /// Called at once, at each event and each change of the status, and at the end. nullopt: not
    /// yet. What it throws becomes a 500.
    std::function<std::optional<answer>(occasion)> ask;
};

/// The connection becomes a stream of events (Server-Sent Events) until somebody ends it.
struct event_stream
{
    std::string audit{};                ///< only the events of that one; empty: all
    std::optional<std::uint64_t> after; ///< the last event that the reader has; absent: from now on
};

using reaction = std::variant<answer, delayed, event_stream>;

} // namespace finwait::web
