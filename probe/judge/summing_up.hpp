// What a judgement of many connections has in common, whoever's client it was.
#pragma once

#include "probe/judge/judge.hpp"
#include "probe/judge/verdict.hpp"

#include <string>
#include <vector>

namespace finwait::judge {

/// Adds the reasons that are not there yet, in their order.
void add_all(std::vector<reason>& to, std::vector<reason> more);

/// What the report says of one connection.
judgement::of_connection in_short(const ruling& ruled, const kernel_settings& settings);

/// The end that all connections share; absent when they differ or one is not released.
std::optional<tcp_state> common_end(const std::vector<judgement::of_connection>& all);

/// Nothing can be said of any connection: `unverified`, for that reason alone.
judgement& give_up(judgement& made, const report& seen, reason because);

/// `process 4712 sleep 100, descriptor 3` for each who has the socket; commas between them.
std::string holders_of(const end& client);

} // namespace finwait::judge
