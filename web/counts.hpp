// What the web side counts of itself, for the metrics.
#pragma once

#include "web/problem.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string_view>
#include <utility>

namespace finwait::web {

/// Since the start. Routes are patterns of the table, or `none`: nothing of a request is a label.
struct api_counts
{
    std::map<std::pair<std::string_view, unsigned>, std::uint64_t>
        requests; ///< by route and status
    std::array<std::uint64_t, words<problem_code>::table.size()> rejected{}; ///< by the guard
    std::uint64_t tcp_connections = 0;                                       ///< open now
    std::uint64_t unix_connections = 0;                                      ///< open now
    std::uint64_t tcp_streams = 0;                                           ///< open now
    std::uint64_t unix_streams = 0;                                          ///< open now
    std::uint64_t turned_away = 0; ///< connections for which there was no room
};

} // namespace finwait::web
