#include "daemon/listening.hpp"

#include "daemon/errors.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/errc.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>

namespace finwait::daemon {

namespace {

namespace net = boost::asio;
using tcp = net::ip::tcp;

tcp::endpoint address_of(const finwait::endpoint& where)
{
    if (where.family == address_family::ipv6)
        return {net::ip::address_v6(where.address), where.port};
    const net::ip::address_v4::bytes_type four{
        where.address[0], where.address[1], where.address[2], where.address[3]};
    return {net::ip::address_v4(four), where.port};
}

std::string why_not(const web::listen_failure& what)
{
    std::string text = fmt::format("cannot listen on {}: {}", what.where, what.code.message());
    const bool is_path = what.where.starts_with('/');
    if (what.code == net::error::address_in_use)
        text += is_path ? "; another finwait serves there: stop it, or set serve.unix"
                        : "; another program (another finwait?) has the port: stop it, or choose "
                          "another with serve.tcp or --listen 127.0.0.1:PORT";
    else if (what.code == boost::system::errc::operation_not_permitted)
        text += "; only loopback addresses are served: 127.0.0.1:PORT or [::1]:PORT";
    else if (what.code == boost::system::errc::permission_denied)
        text += is_path ? "; set serve.unix"
                        : "; ports below 1024 need a right of their own: choose a higher one";
    return text;
}

bool has(const listening_options& options, socket_kind kind)
{
    return std::any_of(
        options.inherited.begin(),
        options.inherited.end(),
        [&](const inherited_socket& each) { return each.kind == kind; }
    );
}

// The directory of a default socket is ours to make; only its owner gets in.
void make_directory_of(const std::filesystem::path& socket)
{
    const ::mode_t mask = ::umask(077); // nothing else runs yet that could make files
    std::error_code ignored;            // bind(2) will say it
    std::filesystem::create_directories(socket.parent_path(), ignored);
    (void)::umask(mask);
}

// What can still be had when the Unix socket cannot: inherited descriptors belong to a server from
// its making on, whatever comes of it, so each attempt gets copies.
web::server_options server_options_of(const configuration& how, const listening_options& options)
{
    web::server_options out{.allowed_hosts = how.serve.allowed_hosts, .token = options.token};
    if (how.serve.tcp && !has(options, socket_kind::tcp))
        out.tcp = address_of(*how.serve.tcp);
    if (!has(options, socket_kind::unix_stream))
        out.unix_path = how.serve.unix_path;
    for (const inherited_socket& each : options.inherited)
        if (const int copy = ::fcntl(each.fd.get(), F_DUPFD_CLOEXEC, 3); copy >= 0)
            out.inherited.push_back(copy);
    out.log = options.log;
    return out;
}

} // namespace

std::unique_ptr<web::server>
listen(net::io_context& io, web::backend& from, configuration& how, listening_options options)
{
    const bool is_default = how.serve.unix_named_by == named_by::nobody;
    if (how.serve.unix_path && is_default && !has(options, socket_kind::unix_stream))
        make_directory_of(*how.serve.unix_path);
    if (!how.serve.unix_path && !how.serve.tcp && options.inherited.empty())
        throw usage_error("there is nothing to listen on: set serve.unix or serve.tcp");
    auto made = web::server::make(io, from, server_options_of(how, options));
    if (made)
        return std::move(*made);
    const bool is_socket = how.serve.unix_path && made.error().where == *how.serve.unix_path;
    if (!is_socket || !is_default)
        throw usage_error(why_not(made.error()));
    how.warnings.push_back("no Unix socket: " + why_not(made.error()));
    how.serve.unix_path.reset();
    return listen(io, from, how, std::move(options));
}

std::string url_of(const web::server& server)
{
    const auto where = server.tcp();
    if (!where)
        return {};
    const std::string host = where->address().to_string();
    return where->address().is_v6() ? fmt::format("http://[{}]:{}", host, where->port())
                                    : fmt::format("http://{}:{}", host, where->port());
}

std::string places_of(const web::server& server)
{
    std::string url = url_of(server);
    const auto path = server.unix_path();
    if (!path)
        return url;
    return url.empty() ? path->string() : fmt::format("{} and {}", url, path->string());
}

} // namespace finwait::daemon
