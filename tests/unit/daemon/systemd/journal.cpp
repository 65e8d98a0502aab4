// What arrives at the journal's socket.
#include "daemon/systemd/journal.hpp"

#include "tests/unit/daemon/folder.hpp"
#include "tests/unit/daemon/systemd/manager_socket.hpp"

#include <doctest/doctest.h>

#include <string>

#include <sys/stat.h>
#include <unistd.h>

TEST_SUITE_BEGIN("daemon/systemd/journal");

namespace {

using finwait::daemon::journal;
using finwait::daemon::log_level;
using finwait::daemon::sample::environment;
using finwait::daemon::sample::folder;
using finwait::daemon::sample::manager_socket;

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

TEST_SUITE_END();
