// The HTTP server: one coroutine per connection, all in one thread. It listens on TCP, on a Unix
// socket, or on both; over TCP it only answers questions.
#pragma once

#include "web/backend.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace finwait::web {

namespace net = boost::asio;

/// How long and how many. A connection that exceeds one is closed.
struct limits
{
    std::chrono::milliseconds header{
        2000};                            ///< from a request's first byte (the first: from accept)
    std::chrono::milliseconds body{3000}; ///< for a whole body, from the end of its header
    std::chrono::milliseconds refused{3000};  ///< for the rest of a refused request to pass
    std::chrono::milliseconds write{5000};    ///< for a whole answer, or an event
    std::chrono::milliseconds idle{15000};    ///< between requests
    std::chrono::milliseconds wait{60000};    ///< the longest that a request may ask to wait
    std::chrono::milliseconds silence{15000}; ///< then a stream of events gets a comment
    std::size_t tcp_connections = 64;         ///< at once; the next one gets a 503
    std::size_t unix_connections = 16;        ///< likewise, apart: an operator always gets in
    std::size_t streams = 8;                  ///< of events, over TCP and over Unix sockets apart
    std::size_t stream_queue = 256;           ///< events that may wait for one reader
};

/// Which addresses may be listened on.
enum class reach {
    loopback, ///< 127.0.0.0/8 and ::1 only
    anywhere,
};

struct server_options
{
    std::optional<net::ip::tcp::endpoint> tcp;      ///< absent: none; port 0: the kernel chooses
    std::optional<std::filesystem::path> unix_path; ///< absent: none; its directory must be there
    /// Sockets that listen already (TCP or Unix), as a service manager hands them over. The server
    /// owns these descriptors from the call on, whatever comes of it.
    std::vector<int> inherited{};
    web::reach reach = reach::loopback;
    web::limits limits{};
    std::vector<std::string> allowed_hosts{}; ///< further values of Host that mean us
    /// Absent: TCP is read-only. Otherwise whoever shows it (`Authorization: Bearer …`) may write
    /// over TCP. At least `shortest_token_bytes`.
    std::optional<std::string> token{};
    /// Gets one line for what the operator should know: each write with who asked, no descriptors
    /// left, a handler that threw.
    std::function<void(const std::string&)> log{};
};

constexpr std::size_t shortest_token_bytes = 32;

/// Why there is no server.
struct listen_failure
{
    std::string where; ///< the address or path
    /// Those of bind(2), such as address_in_use or permission_denied; operation_not_permitted: the
    /// address is not loopback and `reach` is; invalid_argument: the token is too short, an
    /// inherited descriptor does not listen; filename_too_long: more than sun_path holds;
    /// file_exists: the path is no socket.
    boost::system::error_code code;
};

/// `127.0.0.1:9793: Address already in use`.
std::ostream& operator<<(std::ostream& out, const listen_failure& what);

/// Serves from the moment it is made, as soon as the io_context runs, until `stop`. The backend and
/// the io_context outlive it.
class server
{
public:
    /// Binds and listens. The Unix socket gets mode 0660; one that a dead daemon left is replaced,
    /// one on which somebody answers is not (address_in_use).
    static boost::system::result<std::unique_ptr<server>, listen_failure>
    make(net::io_context& io, backend& from, server_options options);

    /// Where it listens over TCP, with the port that the kernel chose; the first of several.
    virtual std::optional<net::ip::tcp::endpoint> tcp() const = 0;
    /// Where it listens on a Unix socket; the first of several.
    virtual std::optional<std::filesystem::path> unix_path() const = 0;

    /// Connections that are open now.
    virtual std::size_t connections() const = 0;

    /// Closes the listeners (and takes the Unix socket's file away) and every connection at once.
    /// What was waiting ends in the next turn of the io_context, which then has nothing left to do
    /// here. Harmless when repeated.
    virtual void stop() = 0;

    /// Stops.
    virtual ~server() = default;
};

} // namespace finwait::web
