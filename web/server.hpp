// The HTTP server: one listener, one coroutine per connection, all in one thread.
#pragma once

#include "web/backend.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/result.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace finwait::web {

namespace net = boost::asio;

/// How long and how many. A connection that exceeds one is closed.
struct limits
{
    std::chrono::milliseconds header{
        2000}; ///< from a request's first byte (the first: from accept)
    std::chrono::milliseconds refused{3000}; ///< for the rest of a refused request to pass
    std::chrono::milliseconds write{5000};   ///< for a whole answer
    std::chrono::milliseconds idle{15000};   ///< between requests
    std::size_t connections = 64;            ///< at once; the next one gets a 503
};

/// Which addresses may be listened on.
enum class reach {
    loopback, ///< 127.0.0.0/8 and ::1 only
    anywhere,
};

struct server_options
{
    net::ip::tcp::endpoint where; ///< port 0: the kernel chooses
    web::reach reach = reach::loopback;
    web::limits limits{};
    /// Gets one line for what the operator should know (no descriptors left, a handler that threw).
    std::function<void(const std::string&)> log;
};

/// Serves from the moment it is made, as soon as the io_context runs, until `stop`. The backend and
/// the io_context outlive it.
class server
{
public:
    /// Binds and listens. Errors: those of bind(2), such as address_in_use or permission_denied;
    /// operation_not_permitted when the address is not loopback and `reach` is.
    static boost::system::result<std::unique_ptr<server>>
    make(net::io_context& io, const backend& from, server_options options);

    /// Where it listens, with the port that the kernel chose.
    virtual net::ip::tcp::endpoint local() const = 0;

    /// Connections that are open now.
    virtual std::size_t connections() const = 0;

    /// Closes the listener and every connection at once. What was waiting ends in the next turn of
    /// the io_context, which then has nothing left to do here. Harmless when repeated.
    virtual void stop() = 0;

    /// Stops.
    virtual ~server() = default;
};

} // namespace finwait::web
