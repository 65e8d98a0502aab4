// Where the daemon is that a command is to ask.
#include "daemon/api_client.hpp"
#include "daemon/config/places.hpp"
#include "daemon/errors.hpp"
#include "daemon/printable.hpp"
#include "web/json/nearest.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <fmt/format.h>

#include <cerrno>

#include <fcntl.h>
#include <sys/un.h>
#include <unistd.h>

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

// Connecting needs the right to write (unix(7)).
bool may_use(const std::filesystem::path& socket)
{
    return ::faccessat(AT_FDCWD, socket.c_str(), W_OK, AT_EACCESS) == 0 || errno != EACCES;
}

} // namespace

daemon_place place_of(const place_words& words)
{
    return place_of(words, surroundings_of_process());
}

daemon_place place_of(const place_words& words, const surroundings& here)
{
    if (words.socket && words.url)
        throw usage_error("--socket and --url: one of them");
    if (words.socket)
        return at_socket(*words.socket);
    if (words.url)
        return at_url(*words.url);
    const auto found = socket_to_ask(here);
    if (found && may_use(*found))
        return at_socket(*found);
    daemon_place open_to_all = at_url(std::string(default_url));
    if (found)
        open_to_all.text += fmt::format(" (its socket {} is not ours to use)", found->string());
    return open_to_all;
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
        return text + "; it is for its owner and group: join the group finwait (adduser NAME "
                      "finwait)";
    return text + "; is `finwait serve` running?";
}

} // namespace finwait::daemon
