// How much of a request an origin reads before it stalls. No I/O.
#pragma once

#include "probe/origin/origin.hpp"
#include "probe/origin/request_reader.hpp"

namespace finwait::origin {

/// Where to stop reading. An origin reads never past it, so that the rest stays in the receive
/// queue where the kernel counts it.
struct reading_goal
{
    enum class kind {
        bytes, ///< so many bytes of the request, whatever they are
        head,  ///< the head, and nothing of the body
        body,  ///< the head and a part of the body
        whole, ///< the request
    };

    /// Of a request of any client whose head is to be read half: less than any request line.
    static constexpr std::uint64_t few_bytes = 12;

    /// Of the body when the upload is to be blocked.
    static constexpr std::uint64_t most_when_blocked_bytes = 16 * kibibyte;

    kind until = kind::whole;
    std::uint64_t bytes = 0;            ///< of `kind::bytes`
    body expected{};                    ///< for a chunked body, which does not say its length
    double position = 0.5;              ///< of `kind::body`
    std::uint64_t at_most = UINT64_MAX; ///< of `kind::body`

    /// Whether to stop, after `total_bytes` of the request. A complete request always stops.
    bool reached(const request_reader& request, std::uint64_t total_bytes) const;

    /// The most that may be read next without passing the goal; at least 1 while not reached.
    std::size_t appetite(const request_reader& request, std::uint64_t total_bytes) const;

private:
    std::uint64_t body_target(const request_reader& request) const;
};

/// The goal of a script. Kill points after the request: all of it.
reading_goal goal_of(const script& how);

} // namespace finwait::origin
