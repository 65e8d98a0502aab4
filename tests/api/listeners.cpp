// Where the server listens and who gets in: TCP and Unix sockets, opened or inherited, with budgets
// of their own.
#include "tests/api/harness.hpp"

#include <boost/system/errc.hpp>
#include <doctest/doctest.h>

#include <fstream>

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace finwait::web;

namespace {

namespace errc = boost::system::errc;

/// A folder that goes with all that is in it.
class folder
{
public:
    folder()
    {
        char name[] = "/tmp/finwait-listen-XXXXXX";
        REQUIRE(mkdtemp(name));
        path_ = name;
    }
    folder(const folder&) = delete;
    folder& operator=(const folder&) = delete;
    ~folder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    std::filesystem::path operator/(const char* name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

/// A socket that is bound to a path, and listens when asked to.
int bound_socket(const std::filesystem::path& path)
{
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(fd >= 0);
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    path.native().copy(where.sun_path, sizeof where.sun_path);
    REQUIRE(bind(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
    return fd;
}

int listening_tcp(const char* address)
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(fd >= 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    REQUIRE(inet_pton(AF_INET, address, &where.sin_addr) == 1);
    REQUIRE(bind(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
    REQUIRE(listen(fd, 16) == 0);
    return fd;
}

/// What making a server comes to; success is no error.
boost::system::error_code
made(const std::function<void(server_options&)>& change, fake_backend& backend, net::io_context& io)
{
    server_options options;
    change(options);
    const auto result = server::make(io, backend, std::move(options));
    return result ? boost::system::error_code() : result.error().code;
}

} // namespace

TEST_SUITE_BEGIN("api/listeners");

TEST_CASE("only loopback addresses are listened on")
{
    fake_backend backend;
    net::io_context io(1);
    const auto at = [&](const char* address, reach how) {
        return made(
            [&](server_options& o) {
                o.tcp = {net::ip::make_address(address), 0};
                o.reach = how;
            },
            backend,
            io
        );
    };
    for (const char* address : {"0.0.0.0", "::", "192.0.2.1", "169.254.1.1", "::ffff:127.0.0.1"})
        CHECK(at(address, reach::loopback) == errc::operation_not_permitted);
    CHECK(at("192.0.2.1", reach::anywhere) == errc::address_not_available);
    CHECK_FALSE(at("127.8.9.10", reach::loopback));
    CHECK_FALSE(at("::1", reach::loopback));
    const int wide = listening_tcp("0.0.0.0"); // handed over, it is not served either
    CHECK(
        made([&](server_options& o) { o.inherited = {wide}; }, backend, io) ==
        errc::operation_not_permitted
    );
    CHECK(fcntl(wide, F_GETFD) == -1);
}

TEST_CASE("a taken port is said")
{
    running_server first;
    fake_backend backend;
    net::io_context io(1);
    server_options options;
    options.tcp = {net::ip::address_v4::loopback(), first.port()};
    const auto second = server::make(io, backend, std::move(options));
    REQUIRE_FALSE(second);
    CHECK(second.error().code == errc::address_in_use);
    CHECK(second.error().where == "127.0.0.1:" + std::to_string(first.port()));
}

TEST_CASE("the Unix socket is for its owner and group, answers, and goes with the server")
{
    std::filesystem::path path;
    {
        running_server server;
        path = server.path();
        struct stat facts
        {
        };
        REQUIRE(lstat(path.c_str(), &facts) == 0);
        CHECK(S_ISSOCK(facts.st_mode));
        CHECK((facts.st_mode & 07777) == 0660);
        CHECK(ask(path, get("/livez")).body == "ok\n");
        CHECK(ask(path, get("/api/v1/config")).status == 200);
    }
    CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("who is not in the group does not get in")
{
    if (geteuid() != 0) {
        MESSAGE("not root: there is nobody else to be");
        return;
    }
    running_server server;
    // The folder lets everybody through, so that the socket's own mode is what refuses.
    std::filesystem::permissions(server.path().parent_path(), std::filesystem::perms(0755));
    const auto connects_as = [&](uid_t user, gid_t group) {
        const pid_t child = fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
            sockaddr_un where{};
            where.sun_family = AF_UNIX;
            server.path().native().copy(where.sun_path, sizeof where.sun_path);
            if (setgroups(0, nullptr) != 0 || setgid(group) != 0 || setuid(user) != 0)
                _exit(99);
            const bool in =
                connect(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0;
            _exit(in ? 0 : errno);
        }
        int status = 0;
        REQUIRE(waitpid(child, &status, 0) == child);
        REQUIRE(WIFEXITED(status));
        return WEXITSTATUS(status);
    };
    CHECK(connects_as(65534, 65534) == EACCES);
    CHECK(connects_as(65534, getegid()) == 0); // a member
}

TEST_CASE("what is at the path already stays, unless it is a socket that nobody listens on")
{
    const folder here;
    fake_backend backend;
    net::io_context io(1);
    const auto at = [&](const std::filesystem::path& path) {
        return made([&](server_options& o) { o.unix_path = path; }, backend, io);
    };
    SUBCASE("a dead socket is replaced")
    {
        close(bound_socket(here / "dead"));
        CHECK_FALSE(at(here / "dead"));
    }
    SUBCASE("a living one is not")
    {
        const int fd = bound_socket(here / "alive");
        REQUIRE(listen(fd, 4) == 0);
        CHECK(at(here / "alive") == errc::address_in_use);
        CHECK(std::filesystem::exists(here / "alive"));
        close(fd);
    }
    SUBCASE("a file is not")
    {
        std::ofstream(here / "file") << "mine";
        CHECK(at(here / "file") == errc::file_exists);
        CHECK(std::filesystem::file_size(here / "file") == 4);
    }
    SUBCASE("a link is not, wherever it points")
    {
        close(bound_socket(here / "dead"));
        std::filesystem::create_symlink(here / "dead", here / "link");
        CHECK(at(here / "link") == errc::file_exists);
        CHECK(std::filesystem::exists(here / "dead"));
    }
    SUBCASE("a folder that is not there")
    {
        CHECK(at(here / "no/such") == errc::no_such_file_or_directory);
    }
    SUBCASE("a path that is too long")
    {
        CHECK(at(here / std::string(120, 'x').c_str()) == errc::filename_too_long);
    }
    SUBCASE("a socket that another daemon put there meanwhile stays")
    {
        server_options options;
        options.unix_path = here / "api";
        auto first = server::make(io, backend, std::move(options));
        REQUIRE(first);
        std::filesystem::remove(here / "api");
        const int fd = bound_socket(here / "api");
        REQUIRE(listen(fd, 4) == 0);
        (*first)->stop();
        CHECK(std::filesystem::exists(here / "api"));
        close(fd);
    }
}

TEST_CASE("sockets that listen already are taken over, and their files left alone")
{
    const folder here;
    const int unix_fd = bound_socket(here / "api");
    REQUIRE(listen(unix_fd, 4) == 0);
    const int tcp_fd = listening_tcp("127.0.0.1");
    {
        running_server server({}, [&](server_options& o) {
            o.tcp.reset();
            o.unix_path.reset();
            o.inherited = {unix_fd, tcp_fd};
        });
        CHECK(server.port() != 0);
        CHECK(ask(server.port(), get("/livez")).status == 200);
        CHECK(
            ask(server.port(),
                get("/livez", "Host: localhost:" + std::to_string(server.port()) + "\r\n"))
                .status == 400
        ); // two Hosts, of course
        CHECK(ask(here / "api", get("/api/v1/config")).status == 200);
        CHECK(ask(server.port(), get("/api/v1/config")).status == 403);
    }
    CHECK(std::filesystem::exists(here / "api"));
    CHECK(fcntl(unix_fd, F_GETFD) == -1);
}

TEST_CASE("a loopback address mapped into IPv6 is served as the one it is")
{
    const auto listening = [](const char* address) {
        const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in6 where{};
        where.sin6_family = AF_INET6;
        REQUIRE(inet_pton(AF_INET6, address, &where.sin6_addr) == 1);
        REQUIRE(bind(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
        REQUIRE(listen(fd, 4) == 0);
        return fd;
    };
    {
        const int fd = listening("::ffff:127.0.0.1");
        running_server server({}, [&](server_options& o) {
            o.tcp.reset();
            o.unix_path.reset();
            o.inherited = {fd};
        });
        CHECK(ask(server.port(), get("/livez")).status == 200);
        CHECK(ask(server.port(), "GET /livez HTTP/1.1\r\nHost: example.com\r\n\r\n").status == 421);
    }
    fake_backend backend;
    net::io_context io(1);
    const int wide = listening("::ffff:0.0.0.0");
    CHECK(
        made([&](server_options& o) { o.inherited = {wide}; }, backend, io) ==
        errc::operation_not_permitted
    );
}

TEST_CASE("a descriptor that does not listen is refused and closed")
{
    fake_backend backend;
    net::io_context io(1);
    int pipe_ends[2];
    REQUIRE(pipe2(pipe_ends, O_CLOEXEC) == 0);
    const int plain = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int datagrams = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    for (const int fd : {pipe_ends[0], plain, datagrams}) {
        CHECK(
            made([&](server_options& o) { o.inherited = {fd}; }, backend, io) ==
            errc::invalid_argument
        );
        CHECK(fcntl(fd, F_GETFD) == -1);
    }
    close(pipe_ends[1]);
}

TEST_CASE("the Unix socket has a budget of its own, so that an operator always gets in")
{
    running_server server;
    std::vector<raw_client> clients;
    for (int i = 0; i < 64; ++i) {
        clients.emplace_back(server.port());
        REQUIRE(clients.back().send(get("/livez")));
        REQUIRE(clients.back().receive());
    }
    CHECK(ask(server.port(), get("/livez")).status == 503);
    CHECK(ask(server.path(), get("/livez")).status == 200);
    REQUIRE(server.wait_for_connections(64));
    for (int i = 0; i < 16; ++i) {
        clients.emplace_back(server.path());
        REQUIRE(clients.back().send(get("/livez")));
        REQUIRE(clients.back().receive());
    }
    CHECK(ask(server.path(), get("/livez")).status == 503);
}

TEST_CASE("configured names are hosts, and no name that only resembles one")
{
    running_server server({}, [](server_options& o) { o.allowed_hosts = {"Finwait.example"}; });
    const auto status = [&](const std::string& host) {
        return ask(server.port(), "GET /livez HTTP/1.1\r\nHost: " + host + "\r\n\r\n").status;
    };
    CHECK(status("finwait.example") == 200);
    CHECK(status("FINWAIT.EXAMPLE:" + std::to_string(server.port())) == 200);
    for (const char* other :
         {"finwait.example.evil.test",
          "x.finwait.example",
          "finwait.example.",
          "finwait.example:1"})
        CHECK(status(other) == 421);
}

TEST_SUITE_END();
