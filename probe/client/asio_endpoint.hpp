// An endpoint as Asio has it.
#pragma once

#include "probe/model/endpoint.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <algorithm>

namespace finwait::client {

inline boost::asio::ip::tcp::endpoint asio_endpoint(const endpoint& where)
{
    namespace ip = boost::asio::ip;
    if (where.family == address_family::ipv6)
        return {ip::address_v6(where.address), where.port};
    ip::address_v4::bytes_type bytes{};
    std::copy_n(where.address.begin(), bytes.size(), bytes.begin());
    return {ip::address_v4(bytes), where.port};
}

/// The other way.
inline endpoint from_asio(const boost::asio::ip::tcp::endpoint& where)
{
    endpoint out;
    out.port = where.port();
    if (where.address().is_v6()) {
        out.family = address_family::ipv6;
        out.address = where.address().to_v6().to_bytes();
        return out;
    }
    const auto bytes = where.address().to_v4().to_bytes();
    std::copy(bytes.begin(), bytes.end(), out.address.begin());
    return out;
}

} // namespace finwait::client
