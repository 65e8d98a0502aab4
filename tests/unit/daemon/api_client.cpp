// Asking a daemon, with a server that says what it is told to say.
#include "daemon/api_client.hpp"

#include "daemon/config/places.hpp"
#include "daemon/errors.hpp"
#include "tests/unit/daemon/folder.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

using namespace finwait::daemon;
using namespace std::chrono_literals;

namespace {

enum class afterwards { closes, waits };

// Takes one connection, reads a request, says its text, and closes or waits for the other end to.
class one_answer
{
public:
    explicit one_answer(std::string text, afterwards then = afterwards::closes)
        : path_(own_.path() + "/api.sock"), text_(std::move(text)), then_(then)
    {
        sockaddr_un where{};
        where.sun_family = AF_UNIX;
        std::strncpy(where.sun_path, path_.c_str(), sizeof where.sun_path - 1);
        listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&where), sizeof where) == 0);
        REQUIRE(::listen(listener_, 4) == 0);
        thread_ = std::thread([this] { serve(); });
    }
    ~one_answer()
    {
        ::shutdown(listener_, SHUT_RDWR); // ends a wait for a connection that never came
        thread_.join();
        ::close(listener_);
    }
    one_answer(const one_answer&) = delete;
    one_answer& operator=(const one_answer&) = delete;

    daemon_place place() const { return {.where = unix_place{path_}, .text = path_}; }
    /// Once it is over.
    const std::string& asked() const { return asked_; }

private:
    void serve()
    {
        const int one = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (one < 0)
            return;
        std::array<char, 4096> bytes{};
        while (asked_.find("\r\n\r\n") == std::string::npos) {
            const auto count = ::read(one, bytes.data(), bytes.size());
            if (count <= 0)
                break;
            asked_.append(bytes.data(), static_cast<std::size_t>(count));
        }
        (void)::send(one, text_.data(), text_.size(), MSG_NOSIGNAL);
        while (then_ == afterwards::waits && ::read(one, bytes.data(), bytes.size()) > 0) {
        }
        ::close(one);
    }

    finwait::daemon::sample::folder own_;
    std::string path_;
    std::string text_;
    afterwards then_;
    std::string asked_;
    int listener_ = -1;
    std::thread thread_;
};

std::string
answer(const std::string& status, const std::string& body, const std::string& fields = "")
{
    return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           fields + "\r\n" + body;
}

} // namespace

TEST_SUITE_BEGIN("daemon/api_client");

TEST_CASE("an answer comes with its status, body and fields")
{
    one_answer server(answer("202 Accepted", "{}", "Location: /api/v1/audits/X\r\n"));
    const auto got = tell_daemon(server.place(), "POST", "/api/v1/audits", R"({"a":1})", 60s);
    CHECK(got.status == 202);
    CHECK(got.is_ok());
    CHECK(got.body == "{}");
    CHECK(got.location == "/api/v1/audits/X");
    CHECK(server.asked().starts_with("POST /api/v1/audits HTTP/1.1\r\n"));
    CHECK(server.asked().find("Content-Type: application/json\r\n") != std::string::npos);
    CHECK(server.asked().find("Content-Length: 7\r\n") != std::string::npos);
    CHECK(server.asked().find("Host: localhost\r\n") != std::string::npos);
}

TEST_CASE("a problem says what it is, with all its parts")
{
    one_answer server(answer(
        "422 Unprocessable",
        R"({"code":"bad_config","detail":"two mistakes","errors":[)"
        R"({"detail":"no word","file":"a.toml","line":3,"column":5},{"pointer":"/at/0","detail":"x"}]})"
    ));
    const auto got = ask_daemon(server.place(), "/x", 60s);
    CHECK_FALSE(got.is_ok());
    CHECK(got.code == "bad_config");
    CHECK(got.problem == "two mistakes\n  a.toml:3:5: no word\n  /at/0: x");
    one_answer plain(answer("500 Internal", "oops"));
    CHECK(ask_daemon(plain.place(), "/x", 60s).problem == "HTTP status 500");
}

TEST_CASE("no daemon, one that hangs up, and one that says nothing are told apart")
{
    const sample::folder own;
    const daemon_place nobody{.where = unix_place{own.path() + "/none"}, .text = "none"};
    const auto absent = ask_daemon(nobody, "/x", 60s);
    CHECK(absent.status == 0);
    CHECK(absent.problem.find("No such file") != std::string::npos);
    CHECK(unreachable_text(nobody, absent).find("finwait serve") != std::string::npos);
    one_answer rude("");
    CHECK(ask_daemon(rude.place(), "/x", 60s).problem == "it closed the connection");
    one_answer half("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{");
    CHECK(ask_daemon(half.place(), "/x", 60s).status == 0);
    one_answer silent("", afterwards::waits);
    const auto late = ask_daemon(silent.place(), "/x", 50ms);
    CHECK(late.status == 0);
    CHECK(late.problem.find("timed out") != std::string::npos);
    one_answer rubbish("220 smtp.example ESMTP\r\n");
    CHECK(ask_daemon(rubbish.place(), "/x", 60s).status == 0);
}

TEST_CASE("events are followed until they are enough, break off, or are refused")
{
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
    const std::string events = "id: 1\nevent: audit\ndata: a\n\nid: 2\nevent: audit\ndata: b\n\n";
    std::vector<std::string> heard;
    const auto hear = [&](std::size_t enough) {
        return [&heard, enough](const api_event& event) {
            heard.push_back(event.data);
            return heard.size() < enough;
        };
    };
    const auto go_on = [] {
        return true;
    };
    SUBCASE("enough, of a stream that goes on")
    {
        one_answer server(head + "\r\n" + events, afterwards::waits);
        const auto got = follow_daemon(server.place(), "audit=X", "7", 60s, go_on, hear(2));
        CHECK(got.status == 200);
        CHECK(heard.size() == 2);
        CHECK(got.problem.empty());
    }
    SUBCASE("in chunks, and then the end")
    {
        one_answer server(
            head + "Transfer-Encoding: chunked\r\n\r\n1C\r\n" + events.substr(0, 28) +
            "\r\n1C\r\n" + events.substr(28) + "\r\n0\r\n\r\n"
        );
        REQUIRE(events.size() == 56);
        const auto got = follow_daemon(server.place(), "", "", 60s, go_on, hear(9));
        CHECK(got.status == 0);
        CHECK(heard == std::vector<std::string>{"a", "b"});
        CHECK(got.problem == "its events ended");
    }
    SUBCASE("silence")
    {
        one_answer server(head + "\r\n" + events, afterwards::waits);
        const auto got = follow_daemon(server.place(), "", "", 100ms, go_on, hear(9));
        CHECK(got.status == 0);
        CHECK(heard.size() == 2);
        CHECK(got.problem.find("timed out") != std::string::npos);
    }
    SUBCASE("refused")
    {
        one_answer server(answer("503 Busy", R"({"code":"busy","detail":"full"})"));
        const auto got = follow_daemon(server.place(), "", "", 60s, go_on, hear(9));
        CHECK(got.status == 503);
        CHECK(got.code == "busy");
        CHECK(heard.empty());
    }
    SUBCASE("not wanted after all")
    {
        one_answer server(head + "\r\n" + events, afterwards::waits);
        const auto got = follow_daemon(
            server.place(), "", "", 60s, [] { return false; }, hear(9)
        );
        CHECK(got.status == 200);
        CHECK(heard.empty());
    }
}

TEST_CASE("a place is what the words say")
{
    CHECK(std::get<unix_place>(place_of({.socket = "/x/y", .url = {}}).where).path == "/x/y");
    const auto url = place_of({.socket = {}, .url = "http://[::1]:8/base/"});
    const auto& http = std::get<http_place>(url.where);
    CHECK(http.host == "::1");
    CHECK(http.port == "8");
    CHECK(http.base == "/base");
    CHECK_THROWS_AS((void)place_of({.socket = "/x", .url = "http://x/"}), usage_error);
    CHECK_THROWS_AS((void)place_of({.socket = {}, .url = "https://x/"}), usage_error);
    CHECK_THROWS_AS((void)place_of({.socket = std::string(200, 'x'), .url = {}}), usage_error);
    CHECK_THROWS_AS((void)place_of({.socket = "", .url = {}}), usage_error);
    CHECK_THROWS_AS((void)writing_place_of({.socket = {}, .url = "http://x/"}), usage_error);
}

TEST_CASE("who may not use the socket that is there reads over TCP")
{
    const sample::folder own;
    REQUIRE(::chmod(own.path().c_str(), 0755) == 0);
    const surroundings here{.system_runtime = own.path()};
    const auto path = own.path() + "/api.sock";
    CHECK(std::holds_alternative<http_place>(place_of({}, here).where));
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    std::strncpy(where.sun_path, path.c_str(), sizeof where.sun_path - 1);
    REQUIRE(::bind(socket, reinterpret_cast<sockaddr*>(&where), sizeof where) == 0);
    CHECK(std::get<unix_place>(place_of({}, here).where).path == path);

    REQUIRE(::chmod(path.c_str(), 0) == 0);
    const auto before = ::geteuid();
    if (before == 0) // root may use every file
        REQUIRE(::seteuid(65534) == 0);
    const auto open_to_all = place_of({}, here);
    const auto named = place_of({.socket = path, .url = {}}, here);
    const auto denied = ask_daemon(named, "/x", 60s);
    REQUIRE(::seteuid(before) == 0);
    ::close(socket);

    REQUIRE(std::holds_alternative<http_place>(open_to_all.where));
    CHECK(std::get<http_place>(open_to_all.where).port == "9793");
    CHECK(open_to_all.text.find(path) != std::string::npos);
    CHECK(std::get<unix_place>(named.where).path == path);
    CHECK(denied.is_denied);
    CHECK(unreachable_text(named, denied).find("adduser NAME finwait") != std::string::npos);
}

TEST_SUITE_END();
