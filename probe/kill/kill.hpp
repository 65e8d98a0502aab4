// The ways to die. One file per family; each way is one function, and it proves by something other
// than its own call returning that the death happened, or leaves the proof to what the kernel
// shows.
#pragma once

#include "probe/kernel/sock_diag.hpp"
#include "probe/model/kill_method.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace finwait::kill {

namespace net = boost::asio;
using kernel::error_code;

/// What a kill needs of the one it kills. Members that a plan has no use for are empty.
struct victim
{
    net::ip::tcp::socket* socket = nullptr; ///< inside the client; null: there is none yet
    std::function<void()> cancel; ///< terminal Asio cancellation of the client's operation
    std::function<void()> raise;  ///< makes the client's code throw where it stands
    std::function<void()> expire; ///< the library's timeout is over now, if none is pending
    std::function<void()> forget; ///< tells the client's code that its socket was closed
    /// Waits until the client's code has ended; gives what it ended with. Errors: timed_out.
    std::function<net::awaitable<error_code>(std::chrono::steady_clock::duration)> ended;

    int pid = 0;                                  ///< of the client's own process
    int pidfd = -1;                               ///< the same, readable when it has ended
    std::function<bool(const std::string&)> tell; ///< a line to its standard input

    kernel::sock_diag* diag = nullptr;
    kernel::socket_id id;                       ///< the client's end
    std::function<std::size_t()> origin_closes; ///< gives how many connections it closed
    std::function<std::size_t()> origin_resets;

    /// Starts a process that keeps a copy of this descriptor and nothing else; gives its pid.
    std::function<kernel::result<int>(int)> hand_down;
};

/// What came of a kill.
struct proof
{
    std::string happened;    ///< the evidence; empty: what the kernel shows has to decide
    std::string failed;      ///< why it could not be done; empty: it was done
    error_code why;          ///< of `failed`, where a system call said it
    std::string wait_status; ///< of a client's own process: `signal 9`, `exit status 0`; or empty
};

/// One way to die. Completes when it is done; the sockets may still be on their way.
using kill_function = net::awaitable<proof> (*)(victim&);

/// The function of a method. Null for `cut` and `own`.
kill_function killer_of(kill_method by);

// Inside the client (in_client.cpp).
net::awaitable<proof> by_throw(victim& client);
net::awaitable<proof> by_cancel(victim& client);
net::awaitable<proof> by_deadline(victim& client);
net::awaitable<proof> by_close(victim& client);
net::awaitable<proof> by_shutdown_close(victim& client);
net::awaitable<proof> by_reset(victim& client);
net::awaitable<proof> by_abandon(victim& client);
net::awaitable<proof> by_inherit(victim& client);

// The process (process.cpp).
net::awaitable<proof> by_sigint(victim& client);
net::awaitable<proof> by_sigterm(victim& client);
net::awaitable<proof> by_sigkill(victim& client);
net::awaitable<proof> by_exit(victim& client);
net::awaitable<proof> by_stop(victim& client);

// From outside (outside.cpp).
net::awaitable<proof> by_sock_destroy(victim& client);
net::awaitable<proof> by_peer_close(victim& client);
net::awaitable<proof> by_peer_reset(victim& client);
net::awaitable<proof> by_peer_silent(victim& client);

/// How long a client's code or process may take to end once it was killed. Longer than the longest
/// timeout that a client's library is given (probe/run.cpp).
constexpr std::chrono::seconds patience{20};

} // namespace finwait::kill
