// `finwait run`: from its words to one cell, and the complaints on the way.
#include "daemon/run_command.hpp"

#include "daemon/errors.hpp"
#include "daemon/startable.hpp"
#include "tests/unit/daemon/folder.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <utility>

using namespace finwait;
using namespace finwait::daemon;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view path = "/usr/bin:/bin";

run_arguments command(std::vector<std::string> words)
{
    run_arguments made;
    made.command = std::move(words);
    return made;
}

run_arguments shell()
{
    return command({"sh", "-c", "exit", "{url}"});
}

std::string complaint(const run_arguments& words, std::string_view where = path)
{
    try {
        (void)cell_of(words, where);
    } catch (const usage_error& error) {
        return error.what();
    }
    return {};
}

} // namespace

TEST_SUITE_BEGIN("daemon/run_command");

TEST_CASE("a command alone is Ctrl-C while it waits for the answer to a GET")
{
    const auto cell = cell_of(shell(), path);
    CHECK(cell.plan.at == kill_point::await_response);
    CHECK(cell.plan.by == kill_method::sigint);
    CHECK(cell.plan.subject == "sh");
    CHECK(cell.plan.method == "GET");
    CHECK((cell.plan.request == body{}));
    CHECK(cell.plan.requests == 1);
    CHECK_FALSE(cell.id);
    subject::client_order wanted;
    wanted.command = {"sh", "-c", "exit", "{url}"};
    REQUIRE(cell.client);
    CHECK((*cell.client == wanted));
}

TEST_CASE("everything that can be chosen arrives")
{
    auto words = shell();
    words.plan.at = {"response_body"};
    words.plan.by = {"own"};
    words.plan.method = "PUT";
    words.plan.request = "chunked:5";
    words.plan.response = "length:1k";
    words.plan.to = "group";
    words.requests = "20";
    words.hold = "^done$";
    words.release_hold = "go";
    words.settle = "0ms,100ms,2s";
    words.timeout = "3s";
    words.env = {"A=1", "B=x=y", "C="};
    words.cwd = "/tmp";
    const auto cell = cell_of(words, path);
    CHECK(cell.plan.at == kill_point::response_body);
    CHECK(cell.plan.by == kill_method::own);
    CHECK(cell.plan.method == "PUT");
    CHECK((cell.plan.request == body{framing::chunked, 5}));
    CHECK((cell.plan.response == body{framing::length, 1024}));
    CHECK(cell.plan.signal_to == signal_target::group);
    CHECK(cell.plan.requests == 20);
    REQUIRE(cell.client);
    CHECK(cell.client->hold == "^done$");
    CHECK(cell.client->release_hold == "go");
    CHECK((cell.client->settle == std::vector<std::chrono::milliseconds>{0ms, 100ms, 2s}));
    CHECK(cell.client->timeout == 3s);
    CHECK(
        (cell.client->variables ==
         decltype(cell.client->variables){{"A", "1"}, {"B", "x=y"}, {"C", ""}})
    );
    CHECK(cell.client->directory == "/tmp");
}

TEST_CASE("a method that has a body gets one, others none")
{
    auto words = shell();
    for (const char* without : {"GET", "HEAD", "DELETE", "OPTIONS"}) {
        CAPTURE(without);
        words.plan.method = without;
        CHECK((cell_of(words, path).plan.request == body{}));
    }
    for (const char* with : {"POST", "PUT", "PATCH"}) {
        CAPTURE(with);
        words.plan.method = with;
        CHECK((cell_of(words, path).plan.request == body{framing::length, 64 * kibibyte}));
        CHECK(cell_of(words, path).plan.method == with);
    }
    words.plan.request = "none";
    CHECK((cell_of(words, path).plan.request == body{}));
}

TEST_CASE("the subject is the command's name, and never the built-in client")
{
    const sample::folder own;
    const auto beast = own.file("beast", "#!/bin/sh\n", 0700);
    const auto strange = own.file("a\nb", "#!/bin/sh\n", 0700);
    CHECK(cell_of(command({"/bin/sh"}), path).plan.subject == "sh");
    CHECK(cell_of(command({beast}), path).plan.subject == "program beast");
    CHECK(cell_of(command({strange}), path).plan.subject == "a\\x0ab");
}

TEST_CASE("wrong words are refused and named")
{
    struct row
    {
        std::function<void(run_arguments&)> change;
        std::string_view advice;
    };
    const row rows[] = {
        {[](auto& w) { w.command.clear(); }, "a command is needed behind --"},
        {[](auto& w) { w.command = {""}; }, "a command is needed behind --"},
        {[](auto& w) { w.plan.at = {"await_respnse"}; }, "\"await_response\""},
        {[](auto& w) { w.plan.by = {"sigitn"}; }, "\"sigint\""},
        {[](auto& w) {
             w.plan.at = {"idle", "connect"};
         },
         "one --at"},
        {[](auto& w) { w.plan.request = "chuncked:1"; }, "\"chunked\""},
        {[](auto& w) { w.plan.by = {"abandon"}; }, "cannot be probed"},
        {[](auto& w) { w.requests = "0"; }, "--requests"},
        {[](auto& w) { w.requests = "1001"; }, "1 to 1000"},
        {[](auto& w) { w.requests = "2x"; }, "--requests"},
        {[](auto& w) { w.own_timeout = "0s"; }, "--own-timeout"},
        {[](auto& w) { w.own_timeout = "soon"; }, "--own-timeout"},
        {[](auto& w) { w.hold = "("; }, "--hold: \"(\" is no regular expression"},
        {[](auto& w) { w.hold = std::string(2000, 'a'); }, "--hold"},
        {[](auto& w) { w.settle = "soon"; }, "--settle: \"soon\" is no duration"},
        {[](auto& w) { w.settle = ""; }, "--settle"},
        {[](auto& w) { w.settle = "1s,"; }, "--settle"},
        {[](auto& w) { w.settle = "2s,1s"; }, "--settle: must ascend"},
        {[](auto& w) { w.settle = "1h"; }, "--settle"},
        {[](auto& w) { w.timeout = "10"; }, "--timeout: \"10\" is no duration"},
        {[](auto& w) { w.timeout = "0s"; }, "--timeout: must be from 1"},
        {[](auto& w) { w.env = {"A"}; }, "--env: \"A\" is not NAME=VALUE"},
        {[](auto& w) { w.env = {"=x"}; }, "--env"},
        {[](auto& w) { w.cwd = "/no/such/folder"; }, "--cwd: \"/no/such/folder\" is no directory"},
        {[](auto& w) { w.cwd = "/etc/passwd"; }, "--cwd"},
        {[](auto& w) { w.command.push_back("\xFF"); }, "command[4]: must be UTF-8"},
        {[](auto& w) { w.command.resize(300); }, "command: must be a program"},
    };
    for (const auto& each : rows) {
        auto words = shell();
        each.change(words);
        const auto text = complaint(words);
        CAPTURE(text);
        CAPTURE(each.advice);
        CHECK(text.find(each.advice) != std::string::npos);
    }
    CHECK(complaint(shell()).empty());
}

TEST_CASE("a command that cannot start is refused with its name and the cure")
{
    const sample::folder own;
    const auto plain = own.file("plain", "#!/bin/sh\n", 0600);
    const auto lost = own.file("lost", "#! /no/such/interpreter -x\n", 0700);
    const auto good = own.file("good", "#!/bin/sh\n", 0700);
    CHECK(
        complaint(command({"no-such-program"})).find("install it, or write its path") !=
        std::string::npos
    );
    CHECK(
        complaint(command({"/no/such/program"})).find("there is no \"/no/such/program\"") !=
        std::string::npos
    );
    CHECK(complaint(command({plain})).find("`chmod +x`") != std::string::npos);
    CHECK(complaint(command({own.path()})).find("is a directory") != std::string::npos);
    CHECK(complaint(command({lost})).find("\"/no/such/interpreter\"") != std::string::npos);
    CHECK(complaint(command({good})).empty());
}

TEST_CASE("a program is looked up as it will be")
{
    const sample::folder own;
    const sample::folder other;
    (void)own.file("tool", "#!/bin/sh\n", 0600);
    CHECK(why_not_startable("tool", "", own.path()).value().find("chmod") != std::string::npos);
    (void)other.file("tool", "#!/bin/sh\n", 0700);
    CHECK_FALSE(why_not_startable("tool", "", own.path() + ":" + other.path()));
    CHECK_FALSE(why_not_startable("./tool", other.path(), ""));
    CHECK_FALSE(why_not_startable("tool", other.path(), "/nowhere:")); // an empty part: here
    CHECK(why_not_startable("./tool", own.path(), ""));
    CHECK(why_not_startable("tool", "", ""));
}

TEST_SUITE_END();
