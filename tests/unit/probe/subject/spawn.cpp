// Starting programs: what they find, what they cannot be, and with whom they die.
#include "probe/subject/spawn.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace finwait::subject;
using namespace std::chrono_literals;

namespace {

spawn_order order_of(std::vector<std::string> command)
{
    spawn_order out;
    out.program = command.front();
    out.command = std::move(command);
    out.environment = own_environment();
    return out;
}

/// What it prints until it ends.
std::string output_of(spawn_order order)
{
    auto pipe = make_pipe().value();
    order.output = pipe.write.get();
    const auto made = spawn(order).value();
    pipe.write.reset();
    std::string out;
    for (char c = 0; ::read(pipe.read.get(), &c, 1) == 1;)
        out += c;
    CHECK(reap(made.pid, 1min) == 0);
    return out;
}

int errno_of(const spawn_order& order)
{
    const auto made = spawn(order);
    REQUIRE_FALSE(made.has_value());
    return made.error().value();
}

} // namespace

TEST_SUITE_BEGIN("probe/subject/spawn");

TEST_CASE("a program is started with its words, variables and directory, and nothing else")
{
    auto order = order_of({"sh", "-c", "echo \"$0 $1 $A\"; pwd; ls /proc/self/fd | wc -l", "x"});
    order.command.emplace_back("y z");
    order.environment = {"A=b=c", "PATH=/usr/bin:/bin"};
    order.directory = "/";
    CHECK(output_of(order) == "x y z b=c\n/\n4\n"); // the fourth is that of the folder it reads
}

TEST_CASE("signals are what they are by default, whatever they are here")
{
    (void)std::signal(SIGUSR1, SIG_IGN);
    sigset_t usr2;
    (void)::sigemptyset(&usr2);
    (void)::sigaddset(&usr2, SIGUSR2);
    (void)::sigprocmask(SIG_BLOCK, &usr2, nullptr);
    const auto masks = output_of(order_of({"grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"}));
    CHECK(masks == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
    (void)::sigprocmask(SIG_UNBLOCK, &usr2, nullptr);
    (void)std::signal(SIGUSR1, SIG_DFL);
}

TEST_CASE("why a program cannot be started")
{
    CHECK(errno_of(order_of({"no-such-program-anywhere"})) == ENOENT);
    CHECK(errno_of(order_of({"/no/such/program"})) == ENOENT);
    CHECK(errno_of(order_of({"/"})) == EACCES);
    CHECK(errno_of(order_of({"/etc/passwd"})) == EACCES);
    auto nowhere = order_of({"true"});
    nowhere.directory = "/no/such/folder";
    CHECK(errno_of(nowhere) == ENOENT);
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1); // no child is left
    CHECK(errno == ECHILD);
}

TEST_CASE("what was started dies with who started it, however that ends")
{
    auto pipe = make_pipe().value();
    const pid_t starter = ::fork();
    REQUIRE(starter >= 0);
    if (starter == 0) {
        auto order = order_of({"sh", "-c", "trap '' TERM HUP INT; echo x; kill -STOP $$"});
        order.output = pipe.write.get();
        order.which = leads::session;
        if (!spawn(order))
            ::_exit(1);
        pipe.write.reset();
        for (;;)
            (void)::pause();
    }
    pipe.write.reset();
    char word = 0;
    REQUIRE(::read(pipe.read.get(), &word, 1) == 1);
    (void)::kill(starter, SIGSTOP); // it cannot do anything about it
    (void)::kill(starter, SIGKILL);
    REQUIRE(::waitpid(starter, nullptr, 0) == starter);
    // The end of the pipe: nobody has it any more.
    pollfd its_end{.fd = pipe.read.get(), .events = POLLIN, .revents = 0};
    REQUIRE(::poll(&its_end, 1, 60'000) == 1);
    while (::read(pipe.read.get(), &word, 1) == 1) {
    }
    REQUIRE(::poll(&its_end, 1, 60'000) == 1);
    CHECK((its_end.revents & POLLHUP) != 0);
}

TEST_SUITE_END();
