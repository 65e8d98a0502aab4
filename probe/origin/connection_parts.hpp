// What the sources of `connection` share, and nobody else.
#pragma once

#include "probe/origin/connection.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>

namespace finwait::origin {

namespace connection_parts {

constexpr auto token = net::as_tuple(net::use_awaitable);

/// Room on the stack for one read or send of a plain connection.
constexpr std::size_t scratch_bytes = 32 * 1024;

/// After so many reads or sends in a row the other coroutines of the loop get their turn.
constexpr unsigned in_a_row = 64;

inline error_code would_block()
{
    return net::error::would_block;
}

} // namespace connection_parts

/// Made for the handshake only: it takes some 50 kB, Asio's two record buffers and this one.
struct connection::tls_layer
{
    tls_layer(net::ip::tcp::socket& below, net::ssl::context& context) : stream(below, context) {}

    net::ssl::stream<net::ip::tcp::socket&> stream;
    std::array<char, 16 * 1024> buffer{};
};

} // namespace finwait::origin
