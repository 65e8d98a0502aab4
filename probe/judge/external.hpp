// The judgement of another program's client. Pure.
#pragma once

#include "probe/judge/judge.hpp"

namespace finwait::judge {

/// What a correct client gives, whoever wrote it: no connection of an exchange that was broken off
/// stays open. One whose exchange was complete may stay for the next request while the process
/// lives. `stop`: held. `after` stall: a client that closed may still be draining. The end is
/// whatever the two sides' closes give.
expectation expected_of_external(const plan& done);

/// Judges a report of which everything but the judgement is filled in, as judge() does.
///
/// Connections are judged at the first look, which for a client that lives on is the last of its
/// settle times; the second may only turn draining into released. `held` covers a connection of a
/// living client whose exchange is complete and whose queues are empty, as many as the baseline
/// says; never a CLOSE, unread data, an unfinished exchange, or one without a byte at the origin.
judgement judge_external(
    const report& seen, const kernel_settings& settings, const std::optional<obstacle>& in_the_way
);

} // namespace finwait::judge
