// Deaths inside the client: its own code ends the exchange.
#include "probe/kill/kill.hpp"

#include <boost/asio/error.hpp>
#include <boost/beast/core/error.hpp>

#include <sys/socket.h>

namespace finwait::kill {
namespace {

proof not_done(const std::string& what, const error_code& why)
{
    proof out;
    out.failed = what + ": " + why.message();
    out.why = why;
    return out;
}

/// The client's code ended, or it did not in time.
net::awaitable<proof> after_its_end(victim& client)
{
    const error_code ended = co_await client.ended(patience);
    proof out;
    if (ended == net::error::timed_out)
        out.failed = "the client's code did not end";
    else
        out.happened = "the client's code closed its descriptor and ended";
    co_return out;
}

/// close(2) by the client's code. Explicit: Asio's destructor would take SO_LINGER back first
/// (boost/asio/detail/impl/socket_ops.ipp, user_set_linger), and a FIN would go out for a RST.
net::awaitable<proof> close_and_end(victim& client)
{
    error_code failed;
    client.socket->close(failed);
    client.forget();
    if (failed)
        co_return not_done("close", failed);
    co_return co_await after_its_end(client);
}

} // namespace

net::awaitable<proof> by_throw(victim& client)
{
    client.raise();
    const error_code ended = co_await client.ended(patience);
    proof out;
    if (ended != net::error::interrupted)
        out.failed =
            "no exception came out of the client's code, it ended with: " + ended.message();
    else
        out.happened = "the exception came out of the client's code";
    co_return out;
}

net::awaitable<proof> by_cancel(victim& client)
{
    client.cancel();
    const error_code ended = co_await client.ended(patience);
    proof out;
    if (ended != net::error::operation_aborted)
        out.failed = "the operation did not end as cancelled but with: " + ended.message();
    else
        out.happened = "the client's code ended as cancelled";
    co_return out;
}

net::awaitable<proof> by_deadline(victim& client)
{
    client.expire();
    const error_code ended = co_await client.ended(patience);
    proof out;
    if (ended != boost::beast::error::timeout)
        out.failed = "the stream did not expire, the operation ended with: " + ended.message();
    else
        out.happened = "the client's operation ended with the library's timeout";
    co_return out;
}

net::awaitable<proof> by_close(victim& client)
{
    return close_and_end(client);
}

net::awaitable<proof> by_shutdown_close(victim& client)
{
    error_code failed;
    client.socket->shutdown(net::ip::tcp::socket::shutdown_both, failed);
    // shutdown(2) of a socket in SYN_SENT takes the connection back and says ENOTCONN.
    if (failed && failed != net::error::not_connected)
        co_return not_done("shutdown", failed);
    co_return co_await close_and_end(client);
}

net::awaitable<proof> by_reset(victim& client)
{
    error_code failed;
    client.socket->set_option(net::socket_base::linger(true, 0), failed);
    if (failed)
        co_return not_done("SO_LINGER", failed);
    co_return co_await close_and_end(client);
}

net::awaitable<proof> by_abandon(victim& client)
{
    (void)client; // nothing happens: that is the leak
    co_return proof{};
}

net::awaitable<proof> by_inherit(victim& client)
{
    const auto pid = client.hand_down(client.socket->native_handle());
    if (!pid)
        co_return not_done("starting the child that inherits", pid.error());
    co_return co_await close_and_end(client);
}

} // namespace finwait::kill
