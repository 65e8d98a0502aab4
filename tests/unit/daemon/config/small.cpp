// The small pieces of the configuration: units, URLs of targets, default places.
#include "daemon/config/places.hpp"
#include "daemon/config/target_url.hpp"
#include "daemon/config/units.hpp"
#include "tests/unit/daemon/folder.hpp"
#include "tests/unit/daemon/systemd/manager_socket.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

TEST_SUITE_BEGIN("daemon/config/small");

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using namespace finwait::daemon;
using finwait::daemon::sample::environment;
using finwait::daemon::sample::folder;
using finwait::daemon::sample::manager_socket;

} // namespace

TEST_CASE("sizes")
{
    const std::pair<std::string, std::optional<std::uint64_t>> rows[] = {
        {"0", 0},
        {"100", 100},
        {"64k", 64 * 1024},
        {"64K", 64 * 1024},
        {"64KiB", 64 * 1024},
        {"256MiB", 256 * 1024 * 1024},
        {"256m", 256 * 1024 * 1024},
        {"2GiB", 2ULL * 1024 * 1024 * 1024},
        {"9223372036854775807", INT64_MAX},
        {"9223372036854775808", std::nullopt},
        {"8589934592g", std::nullopt},
        {"", std::nullopt},
        {"k", std::nullopt},
        {"-1", std::nullopt},
        {"+1", std::nullopt},
        {"1.5m", std::nullopt},
        {"64 MiB", std::nullopt},
        {"1MB", std::nullopt},
        {"1kk", std::nullopt},
    };
    for (const auto& [text, bytes] : rows) {
        const std::string shown = text;
        CAPTURE(shown);
        CHECK(parse_bytes(text) == bytes);
        if (bytes)
            CHECK(parse_bytes(show_bytes(*bytes)) == bytes);
    }
    CHECK(show_bytes(256 * 1024 * 1024) == "256MiB");
    CHECK(show_bytes(1025) == "1025");
}

TEST_CASE("durations")
{
    const std::pair<std::string, std::optional<std::chrono::milliseconds>> rows[] = {
        {"0s", 0ms},
        {"500ms", 500ms},
        {"90s", 90s},
        {"5m", 5min},
        {"5min", 5min},
        {"1h30m", 90min},
        {"7d", 7 * 24h},
        {"2w", 14 * 24h},
        {"1d2h3m4s5ms", 26h + 3min + 4s + 5ms},
        {"1h90m", 150min},
        {"3660d", 3660 * 24h},
        {"3661d", std::nullopt},
        {"3660d1s", std::nullopt},
        {"30m1h", std::nullopt},
        {"1h1h", std::nullopt},
        {"1m1min", std::nullopt},
        {"", std::nullopt},
        {"90", std::nullopt},
        {"h", std::nullopt},
        {"-1s", std::nullopt},
        {"1.5h", std::nullopt},
        {"1h ", std::nullopt},
        {"1 h", std::nullopt},
        {"1h30", std::nullopt},
        {"99999999999999999999s", std::nullopt},
        {"18446744073709551615ms", std::nullopt},
        {"1y", std::nullopt},
        {"1H", std::nullopt},
    };
    for (const auto& [text, span] : rows) {
        const std::string shown = text;
        CAPTURE(shown);
        CHECK(parse_span(text) == span);
        if (span)
            CHECK(parse_span(show_span(*span)) == span);
    }
    CHECK(show_span(90min) == "1h30m");
    CHECK(show_span(7 * 24h) == "7d");
}

TEST_CASE("URLs that can be targets")
{
    for (const std::string right :
         {"http://a.example",
          "https://a.example/",
          "http://a.example:1/x?y=z",
          "http://a.example:65535/",
          "http://127.0.0.1:80/",
          "http://[::1]:80/",
          "http://[::ffff:1.2.3.4]/",
          "HTTP://A-b.Example/",
          "http://7up.example/",
          "http://host_name/",
          "http://a.example:/",
          "http://1e100.net/"}) {
        CAPTURE(right);
        CHECK(why_no_target(right).value_or("nothing") == "nothing");
    }
}

TEST_CASE("URLs that cannot, above all addresses that do not look like ones")
{
    const std::pair<std::string, std::string> rows[] = {
        {"", "is no URL"},
        {"a.example", "is no URL"},
        {"/path", "is no URL"},
        {"http://a b/", "is no URL"},
        {"ftp://a.example/", "scheme"},
        {"file:///etc/passwd", "scheme"},
        {"unix:/run/x", "scheme"},
        {"http:///path", "names no host"},
        {"http://user@a.example/", "user info"},
        {"http://user:secret@a.example/", "user info"},
        {"http://a.example/#x", "fragment"},
        {"http://a.example:0/", "port"},
        {"http://a.example:65536/", "port"},
        {"http://a.example:99999/", "port"},
        {"http://0xa9fea9fe/", "neither a name nor an address"},
        {"http://2852039166/", "neither a name nor an address"},
        {"http://0251.0376.0251.0376/", "neither a name nor an address"},
        {"http://127.1/", "neither a name nor an address"},
        {"http://0/", "neither a name nor an address"},
        {"http://127.0.0.1./", "behind it"},
        {"http://0x/", "neither a name nor an address"},
        {"http://1.2.3.4.5/", "behind it"},
        {"http://1.2.3.4.example:81/x", "behind it"},
        {"http://1.2.3.4x/?secret", "behind it"},
        {"http://1.2.3.4xsecret/", "behind it"},
        {"http://a b/?secret", "is no URL"},
        {"http://./", "names no host"},
        {"http://[::1]x/", "behind it"},
        {"http://127.0.0.0x1/", "behind it"},
        {"http://a.example.0X7f/", "neither a name nor an address"},
        {"http://256.0.0.1/", "neither a name nor an address"},
        {"http://%31%32%37.1/", "neither a name nor an address"},
        {"http://a%2Fb/", "which no name can be"},
        {"http://a%00b/", "which no name can be"},
        {"http://a%20b/", "which no name can be"},
    };
    for (const auto& [url, says] : rows) {
        const std::string shown = url;
        CAPTURE(shown);
        const auto why = why_no_target(url).value_or("nothing");
        CAPTURE(why);
        CHECK(why.find(says) != std::string::npos);
        CHECK(why.find("secret") == std::string::npos);
    }
    CHECK(why_no_target("http://a/" + std::string(2048, 'x')).value_or("").find("longer") == 3);
}

TEST_CASE("the socket is where systemd says, else with the system's, else with the user's")
{
    const folder here;
    const fs::path root = here.path();
    for (const char* each : {"runtime", "system", "user"})
        fs::create_directory(root / each);
    surroundings all{
        .runtime_directory = root / "runtime",
        .xdg_runtime_dir = root / "user",
        .system_runtime = root / "system"};
    CHECK(default_socket(all).path == root / "runtime/api.sock");
    all.runtime_directory.reset();
    CHECK(default_socket(all).path == root / "system/api.sock");
    all.system_runtime = root / "absent";
    CHECK(default_socket(all).path == root / "user/finwait/api.sock");
    CHECK_FALSE(fs::exists(root / "user/finwait"));
    all.xdg_runtime_dir = root / std::string(100, 'x');
    CHECK_FALSE(default_socket(all).path);
    all.xdg_runtime_dir.reset();
    const auto none = default_socket(all);
    CHECK_FALSE(none.path);
    CHECK(none.why_not.find("set serve.unix") != std::string::npos);
}

TEST_CASE("the history is where systemd says, else with the user's state")
{
    const folder here;
    const fs::path root = here.path();
    surroundings all{
        .state_directory = root / "state", .xdg_state_home = root / "xdg", .home = root / "home"};
    CHECK(default_history(all).path == root / "state/history.db");
    all.state_directory.reset();
    CHECK(default_history(all).path == root / "xdg/finwait/history.db");
    all.xdg_state_home.reset();
    CHECK(default_history(all).path == root / "home/.local/state/finwait/history.db");
    CHECK_FALSE(fs::exists(root / "home"));
    all.home = "/dev/null/home";
    CHECK(default_history(all).why_not.find("cannot be written to") != std::string::npos);
    all.home.reset();
    CHECK_FALSE(default_history(all).path);
    CHECK(default_history(all).why_not.find("neither") != std::string::npos);
}

TEST_CASE("a client asks the socket that is there")
{
    const folder here;
    const fs::path root = here.path();
    for (const char* each : {"system", "user", "user/finwait"})
        fs::create_directory(root / each);
    surroundings all{.xdg_runtime_dir = root / "user", .system_runtime = root / "system"};
    CHECK_FALSE(socket_to_ask(all));
    here.file("system/api.sock", "no socket");
    CHECK_FALSE(socket_to_ask(all));
    const manager_socket users((root / "user/finwait/api.sock").string());
    CHECK(socket_to_ask(all) == root / "user/finwait/api.sock");
    fs::remove(root / "system/api.sock");
    const manager_socket systems((root / "system/api.sock").string());
    CHECK(socket_to_ask(all) == root / "system/api.sock");
}

TEST_CASE("of the environment only absolute paths count, of a list the first")
{
    environment variables;
    variables.set("RUNTIME_DIRECTORY", "/run/a:/run/b");
    variables.set("STATE_DIRECTORY", "");
    variables.set("XDG_RUNTIME_DIR", "relative");
    variables.set("XDG_STATE_HOME", "/state");
    const auto here = surroundings_of_process();
    CHECK(here.runtime_directory == "/run/a");
    CHECK_FALSE(here.state_directory);
    CHECK_FALSE(here.xdg_runtime_dir);
    CHECK(here.xdg_state_home == "/state");
}

TEST_SUITE_END();
