// What a probe's traffic costs by itself: client and origin in one epoll loop, plain sockets, the
// same bytes, the same kill, nothing observed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace finwait::bench {

enum class plain_kill { close, reset };

/// The traffic of one exchange.
struct traffic
{
    std::string request;
    std::string response;
    plain_kill kill = plain_kill::close;
    unsigned sources = 1; ///< spread over 127.0.0.1 …
};

/// Runs `count` exchanges with `in_flight` of them at a time, in the calling thread's network
/// namespace. Throws std::system_error.
void run_plain_loop(const traffic& what, std::uint64_t count, std::size_t in_flight);

} // namespace finwait::bench
