// What a connection is between its coroutines: kept in one object, so that no coroutine frame
// refers to another's. For connection.cpp and event_stream.cpp.
#pragma once

#include "web/connection.hpp"
#include "web/request.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace finwait::web {

constexpr auto use_tuple = net::as_tuple(net::use_awaitable);

class connection : public std::enable_shared_from_this<connection>
{
public:
    using clock = std::chrono::steady_clock;
    using parser_type = boost::beast::http::request_parser<boost::beast::http::empty_body>;

    connection(any_socket from, listener_kind kind, std::shared_ptr<shared_state> with);
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    ~connection();

    const web::limits& allowed() const { return shared->options.limits; }

    /// It is closed after that time, unless this is called again or `no_deadline`.
    void due_in(std::chrono::milliseconds time)
    {
        deadline = clock::now() + time;
        shared->watch(deadline);
    }
    void no_deadline() { deadline = clock::time_point::max(); }

    std::shared_ptr<shared_state> shared;
    any_socket socket;
    net::steady_timer wake; ///< for what waits for something else than the socket
    clock::time_point deadline = clock::time_point::max();
    peer by;

    boost::beast::flat_buffer buffer;
    std::optional<parser_type> parser;
    std::size_t looked_at = 0;      ///< bytes of the buffer that are known to be no whole header
    std::optional<problem> refusal; ///< the guard's, of the request that was read
    std::string_view route;         ///< of the request, for the counts: a pattern of the table
    web::request request;

    std::array<char, 512> ignored{}; ///< what comes while events are sent
    std::size_t ignored_bytes = 0;
    bool is_peer_gone = false; ///< seen while waiting
};

/// Whether everything was sent; false: the client is gone or reads too slowly.
net::awaitable<bool> write_all(connection& c, net::const_buffer first, net::const_buffer second);

} // namespace finwait::web
