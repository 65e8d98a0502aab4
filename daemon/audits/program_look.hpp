// Asks for the versions of programs without keeping the event loop waiting.
#pragma once

#include "daemon/presence.hpp"
#include "daemon/recipe.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <vector>

namespace finwait::daemon {

/// look_for() in a thread of its own. Nothing else may end this process's children meanwhile
/// (end_children()), or what they would have said is lost.
class program_look
{
public:
    /// `seen` is called in the io_context, unless this object is gone by then.
    static std::unique_ptr<program_look> start(
        boost::asio::io_context& io,
        std::vector<recipe> wanted,
        std::function<void(std::vector<presence>)> seen
    );

    /// Ends the programs that were not done, and waits for the thread: milliseconds.
    virtual ~program_look() = default;
};

} // namespace finwait::daemon
