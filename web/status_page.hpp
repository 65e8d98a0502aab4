// The status as it goes out: rendered once and sent to all until something has happened.
#pragma once

#include "web/backend.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace finwait::web {

class status_page
{
public:
    /// One that somebody may still be sending while the next is there already.
    struct rendered
    {
        document body;
        std::string tag; ///< strong ETag over everything but `self`
        health status{};
        std::uint64_t index = 0;
    };

    /// The one of now: made anew when the backend's events have moved on, or after a second.
    const rendered& now(const backend& from, std::uint64_t revision, std::uint64_t index);

private:
    std::optional<rendered> last_;
    std::uint64_t revision_ = 0;
    std::chrono::steady_clock::time_point made_;
};

} // namespace finwait::web
