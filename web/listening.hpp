// Sockets that listen: opened here, or handed over by a service manager.
#pragma once

#include "web/server.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>

#include <filesystem>
#include <optional>
#include <string>

namespace finwait::web {

/// Of TCP or of a Unix socket alike.
using any_acceptor = net::basic_socket_acceptor<net::generic::stream_protocol>;
using any_socket = net::generic::stream_protocol::socket;

/// One that listens.
struct listening
{
    any_acceptor acceptor;
    listener_kind kind = listener_kind::tcp;
    std::string where; ///< address and port, or path; for people
    std::optional<net::ip::tcp::endpoint> tcp;
    std::optional<std::filesystem::path> unix_path;
    bool is_ours = false; ///< the socket's file is to be taken away in the end
};

using listening_or_not = boost::system::result<listening, listen_failure>;

/// Binds and listens; CLOEXEC, with SO_REUSEADDR, since connections of an earlier daemon in
/// TIME_WAIT are no reason to refuse.
listening_or_not listen_tcp(net::io_context& io, const net::ip::tcp::endpoint& where, reach how);

/// The same at a path, mode 0660. A socket that nobody listens on is replaced; what is no socket,
/// and one that somebody listens on, stays.
listening_or_not listen_unix(net::io_context& io, const std::filesystem::path& where);

/// Takes a descriptor over; it is closed when it does not listen, or where it should not.
/// An IPv4 address that is mapped into IPv6 counts, and is shown, as the IPv4 address.
listening_or_not take_over(net::io_context& io, int fd, reach how);

/// Closes it, and takes the socket's file away when it is ours and still the one that we made.
void close(listening& what);

} // namespace finwait::web
