#include "web/listening.hpp"

#include <boost/asio/local/stream_protocol.hpp>

#include <cerrno>
#include <cstring>
#include <sstream>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace finwait::web {

namespace {

using boost::system::error_code;
using net::generic::stream_protocol;
using net::ip::tcp;

constexpr mode_t socket_mode = 0660;

error_code last_error()
{
    return {errno, boost::system::system_category()};
}

error_code plain(boost::system::errc::errc_t what)
{
    return make_error_code(what);
}

/// Asio sets none: a child started meanwhile would inherit the socket.
error_code close_on_exec(int fd)
{
    return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? error_code() : last_error();
}

std::string text_of(const tcp::endpoint& where)
{
    std::ostringstream out;
    out << where;
    return out.str();
}

tcp::endpoint tcp_of(const stream_protocol::endpoint& where)
{
    tcp::endpoint out;
    std::memcpy(out.data(), where.data(), std::min(where.size(), out.capacity()));
    out.resize(where.size());
    return out;
}

/// An IPv4-mapped IPv6 address (RFC 4291 2.5.5.2) as the IPv4 address by which clients reach it.
tcp::endpoint unmapped(const tcp::endpoint& where)
{
    if (!where.address().is_v6() || !where.address().to_v6().is_v4_mapped())
        return where;
    return {net::ip::make_address_v4(net::ip::v4_mapped, where.address().to_v6()), where.port()};
}

bool is_allowed(const tcp::endpoint& where, reach how)
{
    return how == reach::anywhere || where.address().is_loopback();
}

sockaddr_un address_of(const std::filesystem::path& where)
{
    sockaddr_un out{};
    out.sun_family = AF_UNIX;
    std::memcpy(out.sun_path, where.c_str(), where.native().size());
    return out;
}

/// Whether somebody accepts connections there.
bool is_answered(const sockaddr_un& where)
{
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return true; // it cannot be found out: then nothing is taken away
    const bool refused =
        connect(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0 &&
        errno == ECONNREFUSED;
    ::close(fd);
    return !refused;
}

/// Makes room for a socket at a path.
error_code clear(const std::filesystem::path& where)
{
    struct stat facts
    {
    };
    if (lstat(where.c_str(), &facts) != 0)
        return errno == ENOENT ? error_code() : last_error();
    if (!S_ISSOCK(facts.st_mode))
        return plain(boost::system::errc::file_exists);
    if (is_answered(address_of(where)))
        return plain(boost::system::errc::address_in_use);
    return unlink(where.c_str()) == 0 ? error_code() : last_error();
}

/// Opens and binds; nobody can connect yet.
error_code
open(any_acceptor& acceptor, const stream_protocol::endpoint& where, const stream_protocol& how)
{
    error_code error;
    acceptor.open(how, error);
    if (!error)
        error = close_on_exec(acceptor.native_handle());
    if (!error && how.family() != AF_UNIX)
        acceptor.set_option(any_acceptor::reuse_address(true), error);
    if (!error)
        acceptor.bind(where, error);
    return error;
}

error_code begin(any_acceptor& acceptor)
{
    error_code error;
    acceptor.listen(any_acceptor::max_listen_connections, error);
    return error;
}

template <class T>
T option_of(int fd, int name)
{
    T value{};
    socklen_t size = sizeof value;
    if (getsockopt(fd, SOL_SOCKET, name, &value, &size) != 0)
        value = -1;
    return value;
}

/// The path that a Unix socket is bound to; empty for one without a path.
std::filesystem::path path_of(const stream_protocol::endpoint& where)
{
    sockaddr_un address{};
    std::memcpy(&address, where.data(), std::min(where.size(), sizeof address));
    return address.sun_path; // ends with a zero: the whole was zero before
}

} // namespace

listening_or_not listen_tcp(net::io_context& io, const tcp::endpoint& where, reach how)
{
    if (!is_allowed(where, how))
        return listen_failure{text_of(where), plain(boost::system::errc::operation_not_permitted)};
    listening out{.acceptor = any_acceptor(io)};
    const stream_protocol protocol(where.protocol().family(), where.protocol().protocol());
    auto error = open(out.acceptor, stream_protocol::endpoint(where), protocol);
    if (!error)
        error = begin(out.acceptor);
    if (error)
        return listen_failure{text_of(where), error};
    out.tcp = tcp_of(out.acceptor.local_endpoint());
    out.where = text_of(*out.tcp);
    return out;
}

listening_or_not listen_unix(net::io_context& io, const std::filesystem::path& where)
{
    const auto fail = [&](const error_code& why) {
        return listen_failure{where.string(), why};
    };
    if (where.native().size() >= sizeof(sockaddr_un{}.sun_path))
        return fail(plain(boost::system::errc::filename_too_long));
    if (const auto error = clear(where); error)
        return fail(error);
    listening out{.acceptor = any_acceptor(io), .kind = listener_kind::unix_};
    const net::local::stream_protocol::endpoint at(where.string());
    if (const auto error =
            open(out.acceptor, stream_protocol::endpoint(at), stream_protocol(AF_UNIX, 0));
        error)
        return fail(error);
    out.is_ours = true;
    out.unix_path = where;
    out.where = where.string();
    // Between bind(2) and listen(2) nobody can connect: the mode is right before anybody could.
    auto error = chmod(where.c_str(), socket_mode) == 0 ? error_code() : last_error();
    if (!error)
        error = begin(out.acceptor);
    if (error) {
        close(out);
        return fail(error);
    }
    return out;
}

listening_or_not take_over(net::io_context& io, int fd, reach how)
{
    const auto fail = [&](boost::system::errc::errc_t why) {
        ::close(fd);
        return listen_failure{"descriptor " + std::to_string(fd), plain(why)};
    };
    const int family = option_of<int>(fd, SO_DOMAIN);
    if ((family != AF_INET && family != AF_INET6 && family != AF_UNIX) ||
        option_of<int>(fd, SO_TYPE) != SOCK_STREAM || option_of<int>(fd, SO_ACCEPTCONN) != 1)
        return fail(boost::system::errc::invalid_argument);
    listening out{.acceptor = any_acceptor(io)};
    error_code error = close_on_exec(fd);
    if (!error)
        out.acceptor.assign(stream_protocol(family, 0), fd, error);
    if (error)
        return fail(boost::system::errc::bad_file_descriptor);
    const auto local = out.acceptor.local_endpoint();
    if (family == AF_UNIX) {
        out.kind = listener_kind::unix_;
        out.unix_path = path_of(local);
        out.where = out.unix_path->string();
        return out;
    }
    out.tcp = unmapped(tcp_of(local));
    out.where = text_of(*out.tcp);
    if (!is_allowed(*out.tcp, how))
        return listen_failure{out.where, plain(boost::system::errc::operation_not_permitted)};
    return out;
}

void close(listening& what)
{
    if (!what.acceptor.is_open())
        return;
    error_code ignored;
    what.acceptor.close(ignored);
    // Another daemon may have put its own there meanwhile: only a socket on which nobody answers,
    // now that this one is closed, was ours.
    if (what.is_ours)
        (void)clear(*what.unix_path); // ignoring: the next daemon replaces it
}

} // namespace finwait::web
