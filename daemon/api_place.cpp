// Where the daemon is that a command is to ask.
#include "daemon/api_client.hpp"
#include "daemon/config/places.hpp"
#include "daemon/errors.hpp"
#include "daemon/printable.hpp"
#include "web/json/nearest.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <fmt/format.h>

#include <sys/un.h>

namespace finwait::daemon {

namespace {

constexpr std::string_view default_url = "http://127.0.0.1:9793";
constexpr std::size_t longest_socket_path = sizeof(sockaddr_un::sun_path) - 1;

daemon_place at_url(const std::string& text)
{
    const auto read = boost::urls::parse_uri(text);
    if (!read || read->scheme() != "http" || read->host().empty() || read->has_userinfo())
        throw usage_error(
            fmt::format("--url: {} is no http:// URL; write http://127.0.0.1:9793", in_quotes(text))
        );
    std::string base(read->encoded_path());
    while (base.ends_with('/'))
        base.pop_back();
    // host_address() is without the brackets of an IPv6 address.
    return {
        .where =
            http_place{
                .host = read->host_address(),
                .port =
                    read->has_port() && !read->port().empty() ? std::string(read->port()) : "80",
                .base = base},
        .text = text};
}

daemon_place at_socket(const std::filesystem::path& path)
{
    if (path.native().empty() || path.native().size() > longest_socket_path)
        throw usage_error(fmt::format(
            "--socket: a socket's path has 1 to {} bytes, this one has {}",
            longest_socket_path,
            path.native().size()
        ));
    return {.where = unix_place{path}, .text = path.string()};
}

} // namespace

daemon_place place_of(const place_words& words)
{
    if (words.socket && words.url)
        throw usage_error("--socket and --url: one of them");
    if (words.socket)
        return at_socket(*words.socket);
    if (words.url)
        return at_url(*words.url);
    if (const auto found = socket_to_ask(surroundings_of_process()))
        return at_socket(*found);
    return at_url(std::string(default_url));
}

daemon_place writing_place_of(const place_words& words)
{
    if (words.url)
        throw usage_error("--url: over TCP nothing can be asked for; name the daemon's --socket");
    if (words.socket)
        return at_socket(*words.socket);
    if (const auto found = socket_to_ask(surroundings_of_process()))
        return at_socket(*found);
    return at_socket("/run/finwait/api.sock"); // is not there, which is what will be said
}

std::string unreachable_text(const daemon_place& where, const api_reply& got)
{
    std::string text = fmt::format(
        "the daemon at {} cannot be reached: {}", printable(where.text), printable(got.problem)
    );
    if (got.is_denied)
        return text + "; may you use its socket? Be in the group finwait";
    return text + "; is `finwait serve` running?";
}

} // namespace finwait::daemon
