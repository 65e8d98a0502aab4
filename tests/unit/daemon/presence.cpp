// Asking programs for their version: scripts that answer in every way.
#include "daemon/presence.hpp"

#include "daemon/children.hpp"
#include "probe/kernel/unique_fd.hpp"

#include <doctest/doctest.h>

#include <string>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace finwait;
using namespace finwait::daemon;
using namespace std::chrono_literals;

namespace {

recipe asking(const std::string& script, std::string_view bounds = {})
{
    recipe out;
    out.name = "x";
    out.here = "/the/recipe's";
    out.version_command = {"/bin/sh", "-c", script};
    out.version_text = bounds;
    if (!bounds.empty())
        out.versions = parse_version_bounds(bounds).value();
    return out;
}

presence answer_of(const recipe& wanted, std::chrono::milliseconds limit = 1min)
{
    const auto found = look_for(std::span(&wanted, 1), limit);
    REQUIRE(found.size() == 1);
    return found.front();
}

bool says(const presence& found, std::string_view text)
{
    CAPTURE(found.reason);
    CHECK_FALSE(found.is_there);
    CHECK(found.reason.find(text) != std::string::npos);
    return found.reason.find(text) != std::string::npos;
}

} // namespace

TEST_SUITE_BEGIN("daemon/presence");

TEST_CASE("a program that prints a version is there")
{
    const auto found = answer_of(asking("echo 'x 2.5.1'; echo more", ">=2, <3"));
    CHECK(found.is_there);
    CHECK(found.version == "x 2.5.1");
    CHECK(found.reason.empty());
    CHECK(answer_of(asking("echo \"{here}\" 1")).version == "/the/recipe's 1");
}

TEST_CASE("why a program is not there")
{
    CHECK(says(answer_of(asking("echo 1.9", ">=2")), "version 1.9 is not >=2"));
    CHECK(says(answer_of(asking("echo none", ">=2")), "no version"));
    CHECK(says(answer_of(asking("true")), "printed no version"));
    CHECK(says(answer_of(asking("echo '1 No module' >&2; echo last >&2; exit 1")), "says: last"));
    CHECK(says(answer_of(asking("exit 7")), "exit status 7"));
    CHECK(says(answer_of(asking("kill -9 $$")), "signal 9"));
    recipe missing = asking("");
    missing.version_command = {"/no/such/program"};
    CHECK(says(answer_of(missing), "/no/such/program: No such file"));
}

TEST_CASE("what does not end is ended, with what it started")
{
    // It tells the pid of its child, which keeps its output open.
    const auto found = answer_of(asking("sleep 1000 & echo $!; wait"), 300ms);
    CHECK(says(found, "not answered after 300 ms"));
}

TEST_CASE("a child that stays behind does not delay the answer, and is ended")
{
    const auto found = answer_of(asking("sleep 1000 & echo $!"));
    CHECK(found.is_there);
    // Nobody of ours: its end is seen through a pidfd, or it is gone already.
    const kernel::unique_fd child(
        static_cast<int>(::syscall(SYS_pidfd_open, std::stoi(found.version), 0))
    );
    pollfd its_end{.fd = child.get(), .events = POLLIN, .revents = 0};
    CHECK((!child || ::poll(&its_end, 1, 60'000) == 1));
}

TEST_CASE("one that has left its session and keeps on writing neither delays nor stays")
{
    for (const char* const end : {"", "; exec sleep 1000"}) {
        CAPTURE(end);
        const std::string script =
            "(setsid sh -c 'echo 1.0; exec yes >&2' &) | { read x; echo $x; }";
        const auto found = answer_of(asking(script + end), 2s);
        CHECK((found.is_there || !found.reason.empty()));
        CHECK(children_of_self().empty());
    }
}

TEST_CASE("what says more than anybody reads ends all the same")
{
    const auto found =
        answer_of(asking("echo 3.0; head -c 3000000 /dev/zero; yes | head -c 3000000 >&2"));
    CHECK(found.version == "3.0");
}

TEST_CASE("many are asked at once, and answered in their order")
{
    std::vector<recipe> wanted;
    wanted.reserve(7);
    for (int i = 0; i < 7; ++i)
        wanted.push_back(asking("echo " + std::to_string(i) + ".0"));
    const auto found = look_for(wanted, 1min);
    REQUIRE(found.size() == 7);
    for (int i = 0; i < 7; ++i)
        CHECK(found[static_cast<std::size_t>(i)].version == std::to_string(i) + ".0");
    CHECK(look_for({}).empty());
}

TEST_SUITE_END();
