// The states one end of a connection was seen in.
#pragma once

#include "probe/model/tcp_state.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace finwait {

/// Who told of a state.
enum class witness {
    sock_diag,     ///< an exact lookup
    destroy_event, ///< the destroy multicast woke the lookup
    socket,        ///< the end's own descriptor
};

template <>
struct words<witness>
{
    static constexpr std::string_view what = "witness";
    static constexpr std::array<std::string_view, 3> table{"sock_diag", "destroy_event", "socket"};
};

/// One state and how long it was seen. Times in ns from the probe's start.
struct interval
{
    tcp_state state = tcp_state::CLOSE;
    std::int64_t from_ns = 0;
    std::optional<std::int64_t> to_ns; ///< absent: it was the last state seen
    std::int64_t uncertain_ns = 0;     ///< `from_ns` may be too late by this much: the poll gap
    bool owned = false;                ///< a descriptor refers to the socket
    bool minisock = false;             ///< a timewait minisocket, not a full socket
    witness source = witness::sock_diag;

    friend bool operator==(const interval&, const interval&) = default;
};

/// In order of time, without gaps.
using timeline = std::vector<interval>;

} // namespace finwait
