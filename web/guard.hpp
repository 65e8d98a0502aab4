// Refuses requests that mean different things to different readers, before anything is done with
// them: Beast 1.81 alone takes the body of a request with `Transfer-Encoding: xchunked` for a
// second request, two Host lines for one, and 300 fields for a header. Pure functions over what
// the parser understood; what the parser itself refused comes in as its error.
#pragma once

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

/// The values of Host that mean us, in lower case: `localhost`, `127.0.0.1`, `[::1]` and the
/// address that is listened on, each alone and with the port. A name that a foreign name server
/// may point at us (DNS rebinding) is never among them.
std::vector<std::string> hosts_of(const net::ip::tcp::endpoint& listener);

/// Why a request is refused, or nullopt. After a refusal the connection has to be closed: where the
/// next request begins is not known. Checks in this order: method, transfer encoding, Host, its
/// name, length, target, number of fields, expectation, listener, origin.
std::optional<problem> refusal_of(const request_head& head, const std::vector<std::string>& hosts);

/// The refusal for what the parser could not read.
problem refusal_of(const boost::system::error_code& parser_error);

/// 431, for what is too long before it is even read.
problem header_too_large();

} // namespace finwait::web
