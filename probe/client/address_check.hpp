// The last look at an address before it is connected to.
#pragma once

#include "probe/client/exchange.hpp"
#include "probe/model/address_policy.hpp"

#include <boost/asio/ip/address.hpp>

#include <optional>
#include <string>

namespace finwait::client {

/// Success, or the error of an address that the destination's policy does not permit: its message
/// says the class.
error_code check_address(const destination& where, const tcp::endpoint& peer);

/// That error, of an address of that class.
error_code not_permitted(address_class what);

/// Of which class the address was; nullopt: another error.
std::optional<address_class> class_not_permitted(const error_code& failed);

/// The same with the address, for the report: what a name led to is what its owner has to look at.
std::string refusal_of(const error_code& failed, const net::ip::address& address);

} // namespace finwait::client
