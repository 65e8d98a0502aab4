// The client under the knife as a run sees it, wherever it runs: inside the worker, or in a process
// of its own.
#pragma once

#include "probe/client/exchange.hpp"
#include "probe/kernel/sock_diag.hpp"
#include "probe/kill/kill.hpp"
#include "probe/model/report.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace finwait {

using kernel::result;

/// What names the client's socket once it stands at its kill point.
struct stood_at
{
    kernel::socket_id id;    ///< cookie 0: it has no socket (`resolve`)
    std::uint32_t inode = 0; ///< 0: not asked; sock_diag gives it as well
};

/// One client of one probe.
class actor
{
public:
    /// Waits until the client stands at its kill point. Errors: timed_out, or what ended it before.
    virtual net::awaitable<result<stood_at>> stand(std::chrono::steady_clock::duration limit) = 0;

    /// The address that stand() failed for, when that was one that the client's destination may not
    /// lead to; nullopt: it failed for something else, or has not.
    virtual std::optional<boost::asio::ip::address> refused_address() const = 0;

    /// Fills in what a kill needs of this client.
    virtual void expose(kill::victim& out) = 0;

    /// Whether the client has a descriptor of the socket it stood with.
    virtual bool has_descriptor() const = 0;

    /// The processes that may have it: the client's own, and the ones it left a copy to.
    virtual std::vector<std::int32_t> processes() const = 0;

    /// Lets a client that was held still see what happened; completes when it has closed. False: it
    /// did not come to its end within kill::patience.
    virtual net::awaitable<bool> let_go(kill_method by) = 0;

    /// What it is in a process of its own; nullopt: it runs inside the worker.
    virtual std::optional<process_record> record() const = 0;

    /// Ends it and everything it started. Call it before the end of its life.
    virtual net::awaitable<void> end() = 0;

    virtual ~actor() = default;
};

/// A client inside this process. Starts walking at once. `program` is what starts a process that
/// keeps descriptor 3 open, to which the arguments of client::main_alone are added; it outlives the
/// client.
std::unique_ptr<actor> make_inner_client(
    net::io_context& io,
    const plan& what,
    client::destination where,
    client::setup with,
    const std::vector<std::string>& program
);

/// A client in a process of its own, born in the calling thread's network namespace. `program` is
/// what starts it, to which the arguments of client::main_alone are added.
result<std::unique_ptr<actor>> make_lone_client(
    net::io_context& io,
    const plan& what,
    const client::destination& where,
    std::vector<std::string> program
);

} // namespace finwait
