#include "daemon/systemd/inherited_sockets.hpp"

#include "daemon/errors.hpp"
#include "daemon/printable.hpp"
#include "daemon/quantity.hpp"
#include "daemon/systemd/environment.hpp"
#include "probe/model/endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace finwait::daemon {

namespace {

using kernel::unique_fd;

constexpr int first_inherited = 3; // SD_LISTEN_FDS_START
constexpr std::uint64_t most_inherited = 16;

// Names are joined by `:`, which none of them may have in it.
std::vector<std::string> names_of(const std::string& text)
{
    std::vector<std::string> out;
    std::size_t from = 0;
    for (auto to = text.find(':'); !text.empty(); to = text.find(':', from)) {
        out.push_back(text.substr(from, to - from));
        if (to == std::string::npos)
            break;
        from = to + 1;
    }
    return out;
}

int option_of(int fd, int option)
{
    int value = -1;
    socklen_t size = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

bool is_listening_stream(int fd)
{
    return option_of(fd, SO_TYPE) == SOCK_STREAM && option_of(fd, SO_ACCEPTCONN) == 1;
}

struct local_address
{
    sockaddr_storage bytes{};
    socklen_t size = sizeof bytes;
};

std::string path_of(const local_address& of)
{
    sockaddr_un address{};
    std::memcpy(&address, &of.bytes, sizeof address);
    const std::size_t used =
        of.size > offsetof(sockaddr_un, sun_path) ? of.size - offsetof(sockaddr_un, sun_path) : 0;
    std::string path(address.sun_path, std::min(used, sizeof address.sun_path));
    if (!path.empty() && path.front() == '\0')
        path.front() = '@';
    return path.substr(0, path.find('\0'));
}

finwait::endpoint endpoint_of(const local_address& of)
{
    finwait::endpoint out;
    if (of.bytes.ss_family == AF_INET) {
        sockaddr_in address{};
        std::memcpy(&address, &of.bytes, sizeof address);
        std::memcpy(out.address.data(), &address.sin_addr, sizeof address.sin_addr);
        out.port = ntohs(address.sin_port);
        return out;
    }
    sockaddr_in6 address{};
    std::memcpy(&address, &of.bytes, sizeof address);
    out.family = address_family::ipv6;
    std::memcpy(out.address.data(), &address.sin6_addr, sizeof address.sin6_addr);
    out.port = ntohs(address.sin6_port);
    return out;
}

bool is_loopback(const finwait::endpoint& where)
{
    const auto plain = unmapped(where);
    return plain.family == address_family::ipv4
               ? plain.address.front() == 127
               : plain.address == loopback(address_family::ipv6, 0).address;
}

[[noreturn]] void refuse(const inherited_socket& what, std::string_view why)
{
    throw usage_error(fmt::format(
        "the socket {} that the service manager handed over {}",
        what.name.empty() ? std::to_string(what.fd.get()) : printable(what.name),
        why
    ));
}

inherited_socket classified(unique_fd fd, std::string name)
{
    inherited_socket out{.fd = std::move(fd), .name = std::move(name)};
    local_address local;
    if (!is_listening_stream(out.fd.get()) ||
        ::getsockname(out.fd.get(), reinterpret_cast<sockaddr*>(&local.bytes), &local.size) != 0)
        refuse(out, "is no stream socket that listens; write ListenStream= in finwait.socket");
    if (local.bytes.ss_family == AF_UNIX) {
        out.where = path_of(local);
        return out;
    }
    if (local.bytes.ss_family != AF_INET && local.bytes.ss_family != AF_INET6)
        refuse(out, "is neither a Unix nor a TCP socket");
    const auto where = endpoint_of(local);
    out.kind = socket_kind::tcp;
    out.where = to_string(where);
    if (!is_loopback(where))
        refuse(
            out,
            fmt::format(
                "listens on {}, which others can reach; write ListenStream=127.0.0.1:{}",
                out.where,
                where.port
            )
        );
    return out;
}

// CLOEXEC so that no child has it, non-blocking so that an accept(2) that lost its connection to a
// reset does not hang the event loop.
void prepare(const unique_fd& fd)
{
    (void)::fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
    const int flags = ::fcntl(fd.get(), F_GETFL);
    if (flags >= 0)
        (void)::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK);
}

} // namespace

std::vector<inherited_socket> take_inherited_sockets()
{
    const auto pid = parse_count(take_variable("LISTEN_PID"), 1, INT32_MAX);
    const auto count = parse_count(take_variable("LISTEN_FDS"), 1, most_inherited);
    const auto names = names_of(take_variable("LISTEN_FDNAMES"));
    if (!count || !pid || *pid != static_cast<std::uint64_t>(::getpid()))
        return {};
    std::vector<unique_fd> fds;
    for (int fd = first_inherited; fd < first_inherited + static_cast<int>(*count); ++fd)
        fds.emplace_back(fd);
    return inherited_from(std::move(fds), names);
}

std::vector<inherited_socket>
inherited_from(std::vector<unique_fd> fds, const std::vector<std::string>& names)
{
    std::vector<inherited_socket> out;
    for (std::size_t i = 0; i < fds.size(); ++i) {
        prepare(fds[i]);
        out.push_back(classified(std::move(fds[i]), i < names.size() ? names[i] : std::string()));
    }
    return out;
}

} // namespace finwait::daemon
