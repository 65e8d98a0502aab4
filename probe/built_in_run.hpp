// One probe of the built-in client, from plan to report.
#pragma once

#include "probe/model/report.hpp"
#include "probe/scene.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>

namespace finwait {

/// Runs a plan that is possible and says what came of it beside what was `expected`. A library's
/// timeout cannot be held until both ends are known; on a busy machine it may strike before. Then
/// the probe is run again with a longer one. Never throws for what a network or a kernel does.
net::awaitable<report>
run_built_in(scene_maker& maker, plan what, expectation expected, std::string id);

} // namespace finwait
