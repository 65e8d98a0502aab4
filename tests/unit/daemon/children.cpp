// Real processes: a child, its own children, and who is left alone.
#include "daemon/children.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <string>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace finwait::daemon;

namespace {

struct shell
{
    pid_t pid = 0;
    int output = -1; ///< of the shell; ends with the last process that has it
};

shell start(const char* script)
{
    std::array<int, 2> fds{};
    REQUIRE(::pipe(fds.data()) == 0);
    posix_spawn_file_actions_t actions;
    REQUIRE(::posix_spawn_file_actions_init(&actions) == 0);
    REQUIRE(::posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO) == 0);
    REQUIRE(::posix_spawn_file_actions_addclosefrom_np(&actions, 3) == 0);
    std::string name = "sh";
    std::string option = "-c";
    std::string text = script;
    const std::array<char*, 4> arguments{name.data(), option.data(), text.data(), nullptr};
    shell started{.output = fds[0]};
    REQUIRE(
        ::posix_spawn(&started.pid, "/bin/sh", &actions, nullptr, arguments.data(), environ) == 0
    );
    REQUIRE(::posix_spawn_file_actions_destroy(&actions) == 0);
    REQUIRE(::close(fds[1]) == 0);
    return started;
}

// Blocks until the shell has said something: its children are there then.
void wait_for_word(const shell& of)
{
    char word = 0;
    REQUIRE(::read(of.output, &word, 1) == 1);
}

// Nobody has the output any more: the shell and all that it started are gone.
bool is_silent(const shell& of)
{
    std::array<char, 100> rest{};
    for (;;) {
        const ssize_t bytes = ::read(of.output, rest.data(), rest.size());
        if (bytes == 0)
            return true;
        if (bytes < 0 && errno != EINTR)
            return false;
    }
}

} // namespace

TEST_SUITE_BEGIN("daemon/children");

TEST_CASE("all children end, with their children, also those that ignore signals or are stopped")
{
    become_subreaper();
    const shell one = start("trap '' TERM INT HUP; (sleep 1000 & sleep 1000) & echo x; wait");
    const shell two = start("sleep 1000 & echo x; kill -STOP $$; wait");
    wait_for_word(one);
    wait_for_word(two);
    siginfo_t stopped{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(two.pid), &stopped, WSTOPPED | WNOWAIT) == 0);
    end_children({});
    CHECK(is_silent(one));
    CHECK(is_silent(two));
    CHECK(children_of_self().empty());
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
    CHECK(errno == ECHILD);
    (void)::close(one.output);
    (void)::close(two.output);
}

TEST_CASE("who is spared lives on, and orphans of the others do not")
{
    become_subreaper();
    const shell spared = start("echo x; exec sleep 1000");
    const shell doomed = start("sleep 1000 & echo x"); // ends by itself, and leaves an orphan
    wait_for_word(spared);
    wait_for_word(doomed);
    siginfo_t ended{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(doomed.pid), &ended, WEXITED | WNOWAIT) == 0);
    const std::array only{spared.pid};
    end_children(only);
    CHECK(is_silent(doomed));
    CHECK(children_of_self() == std::vector<pid_t>{spared.pid});
    CHECK(::kill(spared.pid, 0) == 0);
    end_children({});
    CHECK(is_silent(spared));
    (void)::close(spared.output);
    (void)::close(doomed.output);
}

TEST_CASE("without children there is nothing to do")
{
    end_children({});
    CHECK(children_of_self().empty());
}

TEST_SUITE_END();
