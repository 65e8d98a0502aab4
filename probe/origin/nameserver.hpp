// A nameserver that withholds its answer: the stall of the kill point `resolve`.
#pragma once

#include "probe/kernel/sock_diag.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <memory>
#include <string>

namespace finwait::origin {

namespace net = boost::asio;
using kernel::result;

/// Serves UDP (RFC 1035) on one address and port in the namespace it was started in. Withholds
/// every answer until told. Queries are told apart by the name they ask for, in any case; a query
/// for `name.something` counts as one for `name`, since resolvers append search domains
/// (resolv.conf(5)). Single-threaded. May be destroyed at any time before its io_context; a
/// coroutine that still waits in `queried` then gets operation_aborted.
class nameserver
{
public:
    /// `address`: with the port, 53 where resolvers are to find it; 0: any free one.
    /// Errors: EADDRNOTAVAIL (the address is not on this namespace's loopback), EACCES (port 53),
    /// EADDRINUSE.
    static result<std::unique_ptr<nameserver>> start(net::io_context& io, const endpoint& address);

    /// Where it serves.
    virtual endpoint address() const = 0;

    /// Waits until `name` (lower case, no trailing dot) was asked for. Errors: timed_out,
    /// operation_aborted (cancelled).
    virtual net::awaitable<result<void>>
    queried(std::string name, std::chrono::steady_clock::duration limit) = 0;

    /// Answers NXDOMAIN to what was asked of `name` and to what will be asked of it.
    virtual void refuse(const std::string& name) = 0;

    virtual ~nameserver() = default;
};

} // namespace finwait::origin
