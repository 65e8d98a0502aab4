// Refuses requests that mean different things to different readers, before anything is done with
// them: Beast 1.81 alone takes the body of a request with `Transfer-Encoding: xchunked` for a
// second request, two Host lines for one, and 300 fields for a header. Pure functions over what
// the parser understood; what the parser itself refused comes in as its error.
#pragma once

#include "web/backend.hpp"
#include "web/problem.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/system/error_code.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace finwait::web {

namespace net = boost::asio;

constexpr std::size_t longest_header_bytes = 8192;
constexpr std::size_t longest_target_bytes = 2048;
constexpr std::size_t longest_body_bytes = 65536;
constexpr std::size_t most_fields = 64;

using request_head = boost::beast::http::request_header<boost::beast::http::fields>;

/// What a server lets through.
struct guard_rules
{
    std::vector<std::string> hosts;     ///< values of Host that mean us, in lower case
    std::optional<std::string> token{}; ///< with which TCP may write; absent: it may not
    std::string writing_place{};        ///< where one can write, for people; or empty
};

/// The values of Host that mean us, in lower case: `localhost`, `127.0.0.1`, `[::1]`, the addresses
/// that are listened on and the configured names, each alone and with the port of each listener. A
/// name that a foreign name server may point at us (DNS rebinding) is among them only when the
/// configuration says so.
std::vector<std::string> hosts_of(
    const std::vector<net::ip::tcp::endpoint>& listeners, const std::vector<std::string>& configured
);

/// Why a request is refused, or nullopt. After a refusal the connection has to be closed: where the
/// next request begins is not known. Checks in this order: method, transfer encoding, Host, its
/// name, length, target, number of fields, expectation, listener and token, origin, content type.
std::optional<problem>
refusal_of(const request_head& head, listener_kind listener, const guard_rules& rules);

/// The refusal for what the parser could not read.
problem refusal_of(const boost::system::error_code& parser_error);

/// 431, for what is too long before it is even read.
problem header_too_large();

/// The length of the body that follows a header which was not refused.
std::size_t body_bytes_of(const request_head& head);

} // namespace finwait::web
