// How an exchange dies.
#pragma once

#include "probe/model/words.hpp"

namespace finwait {

enum class kill_method {
    // inside the client
    throw_,         ///< an exception unwinds the stack, RAII closes
    cancel,         ///< Asio cancellation, then the client closes
    deadline,       ///< the library's own timeout (Beast's stream expiry), which closes
    close,          ///< close(2)
    shutdown_close, ///< shutdown(2) of both directions, then close(2)
    reset,          ///< SO_LINGER with a zero timeout, then close(2)
    abandon,        ///< control: the descriptor is kept and forgotten
    inherit,        ///< control: a child process keeps the descriptor, the client closes its own
    // the process
    sigint,
    sigterm,
    sigkill,
    exit, ///< _exit(2) in the middle of the request
    stop, ///< SIGSTOP: nothing closes
    // from outside
    sock_destroy, ///< netlink SOCK_DESTROY of the client's socket
    peer_close,   ///< the origin closes
    peer_reset,   ///< the origin resets
    peer_silent,  ///< the origin never says another word
    // the network
    cut, ///< the link goes down
    // by itself
    own, ///< an external client's own timeout, cancellation or exception
};

template <>
struct words<kill_method>
{
    static constexpr std::string_view what = "kill method";
    static constexpr std::array<std::string_view, 19> table{
        "throw",
        "cancel",
        "deadline",
        "close",
        "shutdown_close",
        "reset",
        "abandon",
        "inherit",
        "sigint",
        "sigterm",
        "sigkill",
        "exit",
        "stop",
        "sock_destroy",
        "peer_close",
        "peer_reset",
        "peer_silent",
        "cut",
        "own"};
};

/// Who does the killing; decides which look judges (probe/judge).
enum class kill_family { client, process, outside, network, own };

constexpr kill_family family_of(kill_method by)
{
    if (by <= kill_method::inherit)
        return kill_family::client;
    if (by <= kill_method::stop)
        return kill_family::process;
    if (by <= kill_method::peer_silent)
        return kill_family::outside;
    return by == kill_method::cut ? kill_family::network : kill_family::own;
}

/// A method that leaks on purpose, to prove that a leak would be seen.
constexpr bool is_control(kill_method by)
{
    return by == kill_method::abandon || by == kill_method::inherit;
}

} // namespace finwait
