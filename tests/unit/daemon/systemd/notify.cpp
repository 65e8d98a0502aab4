// What arrives at the service manager's socket.
#include "daemon/systemd/notify.hpp"

#include "tests/unit/daemon/folder.hpp"
#include "tests/unit/daemon/systemd/manager_socket.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <string>

#include <unistd.h>

TEST_SUITE_BEGIN("daemon/systemd/notify");

namespace {

namespace net = boost::asio;
using finwait::daemon::service_manager;
using finwait::daemon::take_manager_address;
using finwait::daemon::watchdog_timer;
using finwait::daemon::sample::environment;
using finwait::daemon::sample::folder;
using finwait::daemon::sample::manager_socket;
using std::chrono::microseconds;

bool is_set(const char* name)
{
    return std::getenv(name) != nullptr;
}

} // namespace

TEST_CASE("each state is one datagram")
{
    const folder here;
    const std::string path = here.path() + "/notify";
    const manager_socket manager(path);
    service_manager us({.socket = path, .watchdog = {}});
    us.ready("listening on http://127.0.0.1:9793");
    CHECK(manager.received() == "READY=1\nSTATUS=listening on http://127.0.0.1:9793");
    us.status("last audit default: clean");
    CHECK(manager.received() == "STATUS=last audit default: clean");
    us.alive();
    CHECK(manager.received() == "WATCHDOG=1");
    us.extend_timeout(std::chrono::seconds(7));
    CHECK(manager.received() == "EXTEND_TIMEOUT_USEC=7000000");
    us.stopping();
    CHECK(manager.received() == "STOPPING=1\nSTATUS=stopping");
    CHECK_FALSE(manager.received());
}

TEST_CASE("a reload carries the monotonic clock's time")
{
    const folder here;
    const std::string path = here.path() + "/notify";
    const manager_socket manager(path);
    const auto before = std::chrono::steady_clock::now().time_since_epoch();
    service_manager({.socket = path, .watchdog = {}}).reloading();
    const auto after = std::chrono::steady_clock::now().time_since_epoch();
    const std::string got = manager.received().value();
    const std::string head = "RELOADING=1\nMONOTONIC_USEC=";
    REQUIRE(got.substr(0, head.size()) == head);
    const microseconds told(std::stoll(got.substr(head.size())));
    CHECK(told >= std::chrono::floor<microseconds>(before));
    CHECK(told <= after);
}

TEST_CASE("a status is one line that no stranger can add a state to")
{
    const folder here;
    const std::string path = here.path() + "/notify";
    const manager_socket manager(path);
    service_manager us({.socket = path, .watchdog = {}});
    us.status("evil\nMAINPID=1\x1b[2J");
    CHECK(manager.received() == "STATUS=evil\\x0aMAINPID=1\\x1b[2J");
    us.status(std::string(3000, 'x'));
    CHECK(manager.received()->size() == std::string("STATUS=").size() + 1024);
    std::string accents = "x";
    for (int i = 0; i < 1000; ++i)
        accents += "\xc3\xa9";
    us.status(accents);
    CHECK(manager.received() == "STATUS=" + accents.substr(0, 1023));
}

TEST_CASE("an abstract socket is reached too")
{
    const std::string name = "@finwait-unit-" + std::to_string(::getpid());
    const manager_socket manager(name);
    service_manager({.socket = name, .watchdog = {}}).alive();
    CHECK(manager.received() == "WATCHDOG=1");
}

TEST_CASE("without a manager, or with one that is gone, nothing happens")
{
    service_manager nobody({});
    CHECK_FALSE(nobody.is_there());
    nobody.ready("x");
    service_manager gone({.socket = "/nonexistent/notify", .watchdog = {}});
    CHECK(gone.is_there());
    gone.ready("x");
    service_manager impossible({.socket = "/" + std::string(200, 'x'), .watchdog = {}});
    impossible.ready("x");
}

TEST_CASE("the environment is understood, and then empty for children")
{
    environment variables;
    variables.set("NOTIFY_SOCKET", "/run/notify");
    variables.set("WATCHDOG_USEC", "30000000");
    variables.set("WATCHDOG_PID", std::to_string(::getpid()));
    const auto address = take_manager_address();
    CHECK(address.socket == "/run/notify");
    CHECK(address.watchdog == std::chrono::seconds(30));
    CHECK_FALSE(is_set("NOTIFY_SOCKET"));
    CHECK_FALSE(is_set("WATCHDOG_USEC"));
    CHECK_FALSE(is_set("WATCHDOG_PID"));
    CHECK(take_manager_address().socket.empty());
}

TEST_CASE("a watchdog is only ours when it is meant for us")
{
    environment variables;
    variables.set("NOTIFY_SOCKET", "@abstract");
    variables.set("WATCHDOG_USEC", "30000000");
    variables.set("WATCHDOG_PID", "1");
    SUBCASE("another process")
    {
        CHECK_FALSE(take_manager_address().watchdog);
    }
    SUBCASE("any process")
    {
        ::unsetenv("WATCHDOG_PID");
        CHECK(take_manager_address().watchdog == std::chrono::seconds(30));
    }
    SUBCASE("no time")
    {
        variables.set("WATCHDOG_PID", std::to_string(::getpid()));
        variables.set("WATCHDOG_USEC", "soon");
        CHECK_FALSE(take_manager_address().watchdog);
    }
    SUBCASE("no manager")
    {
        ::unsetenv("WATCHDOG_PID");
        variables.set("NOTIFY_SOCKET", "vsock:2:1234");
        const auto address = take_manager_address();
        CHECK(address.socket.empty());
        CHECK_FALSE(address.watchdog);
    }
}

TEST_CASE("the watchdog's timer tells at a third of its time, from the event loop")
{
    const folder here;
    const std::string path = here.path() + "/notify";
    const manager_socket manager(path);
    service_manager us({.socket = path, .watchdog = microseconds(3000)});
    net::io_context io;
    watchdog_timer timer(io, us);
    timer.start();
    CHECK(manager.received() == "WATCHDOG=1");
    CHECK_FALSE(manager.received());
    CHECK(io.run_one() == 1);
    CHECK(manager.received() == "WATCHDOG=1");
    CHECK(io.run_one() == 1);
    CHECK(manager.received() == "WATCHDOG=1");
    timer.stop();
    io.run(); // ends: nothing is left to wait for
    CHECK_FALSE(manager.received());
}

TEST_CASE("without a watchdog there is no timer")
{
    service_manager us({.socket = "/nonexistent", .watchdog = {}});
    net::io_context io;
    watchdog_timer timer(io, us);
    timer.start();
    CHECK(io.run() == 0);
}

TEST_SUITE_END();
