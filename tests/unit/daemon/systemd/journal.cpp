// What arrives at the journal's socket.
#include "daemon/systemd/journal.hpp"

#include "probe/kernel/unique_fd.hpp"
#include "tests/unit/daemon/folder.hpp"
#include "tests/unit/daemon/systemd/manager_socket.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

TEST_SUITE_BEGIN("daemon/systemd/journal");

namespace {

using finwait::daemon::journal;
using finwait::daemon::log_level;
using finwait::daemon::sample::environment;
using finwait::daemon::sample::folder;
using finwait::daemon::sample::manager_socket;
using finwait::kernel::unique_fd;

std::string read_some(int fd)
{
    std::string out(100'000, '\0');
    const ssize_t count = ::read(fd, out.data(), out.size());
    REQUIRE(count >= 0);
    out.resize(static_cast<std::size_t>(count));
    return out;
}

} // namespace

TEST_CASE("a line and its fields are one datagram")
{
    const folder here;
    const std::string path = here.path() + "/journal";
    const manager_socket receiver(path);
    journal(path).log(
        log_level::notice, "audit 01K: leaked", {{"AUDIT", "01K"}, {"VERDICT", "leaked"}}
    );
    CHECK(
        receiver.received() == "MESSAGE=audit 01K: leaked\nPRIORITY=5\nSYSLOG_IDENTIFIER=finwait\n"
                               "FINWAIT_AUDIT=01K\nFINWAIT_VERDICT=leaked\n"
    );
    CHECK_FALSE(receiver.received());
    journal(path).log(log_level::info, "x", {}, "0123456789abcdef0123456789abcdef");
    CHECK(
        receiver.received() == "MESSAGE=x\nPRIORITY=6\nSYSLOG_IDENTIFIER=finwait\n"
                               "MESSAGE_ID=0123456789abcdef0123456789abcdef\n"
    );
}

TEST_CASE("what strangers wrote can neither add a field nor command a terminal")
{
    const folder here;
    const std::string path = here.path() + "/journal";
    const manager_socket receiver(path);
    journal(path).log(log_level::error, "x\nPRIORITY=0\x1b[2J", {{"TARGET", "y\n_PID=1"}});
    CHECK(
        receiver.received() == "MESSAGE=x\\x0aPRIORITY=0\\x1b[2J\nPRIORITY=3\n"
                               "SYSLOG_IDENTIFIER=finwait\nFINWAIT_TARGET=y\\x0a_PID=1\n"
    );
}

TEST_CASE("a line that is too long for a datagram arrives as a file")
{
    const folder here;
    const std::string path = here.path() + "/journal";
    const manager_socket receiver(path);
    const std::string text(400'000, 'x');
    journal(path).log(log_level::info, text);
    CHECK(receiver.received() == "MESSAGE=" + text + "\nPRIORITY=6\nSYSLOG_IDENTIFIER=finwait\n");
}

TEST_CASE("standard error is the journal only when systemd says that this very stream is")
{
    struct stat facts
    {
    };
    REQUIRE(::fstat(STDERR_FILENO, &facts) == 0);
    const std::string ours = std::to_string(facts.st_dev) + ":" + std::to_string(facts.st_ino);
    environment variables;
    variables.set("JOURNAL_STREAM", ours);
    CHECK(journal::of_process().has_fields());
    variables.set("JOURNAL_STREAM", ours + "1");
    CHECK_FALSE(journal::of_process().has_fields());
    variables.set("JOURNAL_STREAM", "");
    CHECK_FALSE(journal::of_process().has_fields());
}

TEST_CASE("a reader that does not read stops nobody, and is told how much it missed")
{
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const unique_fd in(ends[0]);
    const unique_fd out(ends[1]);
    REQUIRE(::fcntl(out.get(), F_SETPIPE_SZ, 4096) == 4096);
    journal log("", out.get());
    for (int i = 0; i < 10; ++i) // pipe(7): poll(2) calls it full when it has a byte on each page
        log.log(log_level::info, "x");
    CHECK(read_some(in.get()) == "finwait: x\n");
    log.log(log_level::info, "y");
    CHECK(
        read_some(in.get()) == "finwait: log lines lost because nobody read them: 9\nfinwait: y\n"
    );
    log.log(log_level::info, "z");
    CHECK(read_some(in.get()) == "finwait: z\n");
}

TEST_CASE("a line that was taken in part is ended before the next one")
{
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const unique_fd in(ends[0]);
    const unique_fd out(ends[1]);
    REQUIRE(::fcntl(out.get(), F_SETPIPE_SZ, 4096) == 4096);
    journal log("", out.get());
    const std::string text(6000, 'x');
    log.log(log_level::info, text);
    CHECK(read_some(in.get()) == ("finwait: " + text).substr(0, 4096));
    log.log(log_level::info, "y");
    CHECK(
        read_some(in.get()) == "\nfinwait: log lines lost because nobody read them: 1\nfinwait: y\n"
    );
}

TEST_CASE("a closed standard error is survived")
{
    journal log("", -1);
    log.log(log_level::info, "x");
    CHECK_FALSE(log.has_fields());
}

TEST_SUITE_END();
