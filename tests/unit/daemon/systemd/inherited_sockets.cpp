// Sockets as a service manager hands them over.
#include "daemon/systemd/inherited_sockets.hpp"

#include "daemon/errors.hpp"
#include "tests/unit/daemon/folder.hpp"
#include "tests/unit/daemon/systemd/manager_socket.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

TEST_SUITE_BEGIN("daemon/systemd/inherited_sockets");

namespace {

using namespace finwait::daemon;
using finwait::daemon::sample::environment;
using finwait::daemon::sample::folder;
using finwait::kernel::unique_fd;

enum class state { listening, bound };

// Without CLOEXEC, as systemd hands them over.
unique_fd tcp_on(const char* address, state wanted = state::listening)
{
    unique_fd fd(::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in where{};
    where.sin_family = AF_INET;
    REQUIRE(::inet_pton(AF_INET, address, &where.sin_addr) == 1);
    REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
    if (wanted == state::listening)
        REQUIRE(::listen(fd.get(), 1) == 0);
    return fd;
}

unique_fd tcp6_on(const char* address)
{
    unique_fd fd(::socket(AF_INET6, SOCK_STREAM, 0));
    sockaddr_in6 where{};
    where.sin6_family = AF_INET6;
    REQUIRE(::inet_pton(AF_INET6, address, &where.sin6_addr) == 1);
    REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
    REQUIRE(::listen(fd.get(), 1) == 0);
    return fd;
}

unique_fd unix_on(const std::string& path, int type = SOCK_STREAM)
{
    unique_fd fd(::socket(AF_UNIX, type, 0));
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    std::memcpy(where.sun_path, path.data(), path.size());
    REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
    if (type == SOCK_STREAM)
        REQUIRE(::listen(fd.get(), 1) == 0);
    return fd;
}

std::vector<inherited_socket> of(unique_fd fd, std::string name = {})
{
    std::vector<unique_fd> fds;
    fds.push_back(std::move(fd));
    return inherited_from(std::move(fds), {std::move(name)});
}

std::string refusal_of(unique_fd fd, std::string name = {})
{
    try {
        (void)of(std::move(fd), std::move(name));
    } catch (const usage_error& error) {
        return error.what();
    }
    return "none";
}

} // namespace

TEST_CASE("sockets are told apart by what they are, not by their names")
{
    const folder here;
    std::vector<unique_fd> fds;
    fds.push_back(unix_on(here.path() + "/api.sock"));
    fds.push_back(tcp_on("127.0.0.1"));
    fds.push_back(tcp6_on("::1"));
    const auto sockets = inherited_from(std::move(fds), {"finwait.socket", "finwait.socket"});
    REQUIRE(sockets.size() == 3);
    CHECK(sockets[0].kind == socket_kind::unix_stream);
    CHECK(sockets[0].where == here.path() + "/api.sock");
    CHECK(sockets[0].name == "finwait.socket");
    CHECK(sockets[1].kind == socket_kind::tcp);
    CHECK(sockets[1].where.substr(0, 10) == "127.0.0.1:");
    CHECK(sockets[2].where.substr(0, 6) == "[::1]:");
    CHECK(sockets[2].name.empty());
}

TEST_CASE("no child of ours gets them, and accepting never blocks")
{
    const auto sockets = of(tcp_on("127.0.0.1"));
    CHECK((::fcntl(sockets[0].fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((::fcntl(sockets[0].fd.get(), F_GETFL) & O_NONBLOCK) != 0);
}

TEST_CASE("what cannot be served is refused with its name and the cure")
{
    const folder here;
    CHECK(refusal_of(tcp_on("0.0.0.0"), "api").find("the socket api ") == 0);
    CHECK(refusal_of(tcp_on("0.0.0.0")).find("ListenStream=127.0.0.1:") != std::string::npos);
    CHECK(refusal_of(tcp6_on("::")).find("which others can reach") != std::string::npos);
    CHECK(
        refusal_of(tcp_on("127.0.0.1", state::bound)).find("no stream socket that listens") !=
        std::string::npos
    );
    CHECK(
        refusal_of(unix_on(here.path() + "/datagrams", SOCK_DGRAM)).find("no stream socket") !=
        std::string::npos
    );
    CHECK(
        refusal_of(unique_fd(::open("/dev/null", O_RDONLY))).find("no stream") != std::string::npos
    );
    CHECK(refusal_of(tcp_on("0.0.0.0"), "a\x1b[2J").find("a\\x1b[2J") != std::string::npos);
}

TEST_CASE("a loopback address mapped into IPv6 is one, too")
{
    CHECK(of(tcp6_on("::ffff:127.0.0.1")).front().kind == socket_kind::tcp);
    CHECK(
        refusal_of(tcp6_on("::ffff:0.0.0.0")).find("which others can reach") != std::string::npos
    );
}

TEST_CASE("descriptors that are for another process are left alone")
{
    environment variables;
    variables.set("LISTEN_FDS", "1");
    variables.set("LISTEN_PID", "1");
    variables.set("LISTEN_FDNAMES", "x");
    CHECK(take_inherited_sockets().empty());
    CHECK(std::getenv("LISTEN_FDS") == nullptr);
    CHECK(std::getenv("LISTEN_PID") == nullptr);
    CHECK(std::getenv("LISTEN_FDNAMES") == nullptr);
    variables.set("LISTEN_PID", std::to_string(::getpid()));
    for (const char* wrong : {"0", "-1", "x", "", "100000"}) {
        CAPTURE(wrong);
        variables.set("LISTEN_FDS", wrong);
        variables.set("LISTEN_PID", std::to_string(::getpid()));
        CHECK(take_inherited_sockets().empty());
    }
}

TEST_CASE("descriptors from 3 on are taken when they are for us")
{
    // Whatever the test runner left at 3 comes back.
    const unique_fd saved(::fcntl(3, F_DUPFD_CLOEXEC, 100));
    {
        const folder here;
        const auto socket = unix_on(here.path() + "/api.sock");
        REQUIRE((socket.get() == 3 || ::dup2(socket.get(), 3) == 3));
        environment variables;
        variables.set("LISTEN_FDS", "1");
        variables.set("LISTEN_PID", std::to_string(::getpid()));
        variables.set("LISTEN_FDNAMES", "api:more");
        auto sockets = take_inherited_sockets();
        REQUIRE(sockets.size() == 1);
        CHECK(sockets[0].fd.get() == 3);
        CHECK(sockets[0].name == "api");
        if (socket.get() == 3)
            (void)sockets[0].fd.release(); // its owner closes it
    }
    if (saved)
        REQUIRE(::dup2(saved.get(), 3) == 3);
}

TEST_SUITE_END();
