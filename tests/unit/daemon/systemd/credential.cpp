// Secrets of the service manager.
#include "daemon/systemd/credential.hpp"

#include "daemon/errors.hpp"
#include "tests/unit/daemon/folder.hpp"
#include "tests/unit/daemon/systemd/manager_socket.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include <sys/stat.h>

TEST_SUITE_BEGIN("daemon/systemd/credential");

namespace {

using finwait::daemon::credential;
using finwait::daemon::usage_error;
using finwait::daemon::sample::environment;
using finwait::daemon::sample::folder;

const std::string secret(40, 's');

std::string refusal_of(const char* name)
{
    try {
        (void)credential(name);
    } catch (const usage_error& error) {
        return error.what();
    }
    return "none";
}

} // namespace

TEST_CASE("a credential is a file's content, less the newline that editors add")
{
    const folder here;
    environment variables;
    variables.set("CREDENTIALS_DIRECTORY", here.path());
    CHECK_FALSE(credential("api-token"));
    here.file("api-token", secret);
    CHECK(credential("api-token") == secret);
    here.file("api-token", secret + "\n");
    CHECK(credential("api-token") == secret);
    here.file("api-token", secret + "\n\n");
    CHECK(credential("api-token") == secret + "\n");
}

TEST_CASE("one that is too short or too long is refused, and not shown")
{
    const folder here;
    environment variables;
    variables.set("CREDENTIALS_DIRECTORY", here.path());
    here.file("short", secret.substr(0, 31) + "\n");
    here.file("long", std::string(5000, 's'));
    CHECK(refusal_of("short").find("at least 32 bytes") != std::string::npos);
    CHECK(refusal_of("long").find("longer than 4 KiB") != std::string::npos);
    CHECK(refusal_of("short").find("sss") == std::string::npos);
    CHECK(refusal_of("long").find("sss") == std::string::npos);
    CHECK(credential("short", 31) == secret.substr(0, 31));
}

TEST_CASE("one that is a directory cannot be read")
{
    const folder here;
    environment variables;
    variables.set("CREDENTIALS_DIRECTORY", here.path());
    std::filesystem::create_directory(here.path() + "/api-token");
    CHECK(refusal_of("api-token").ends_with("api-token: cannot be read: Is a directory"));
}

TEST_CASE("one that is a FIFO is refused, and nobody is waited for")
{
    const folder here;
    environment variables;
    variables.set("CREDENTIALS_DIRECTORY", here.path());
    REQUIRE(::mkfifo((here.path() + "/api-token").c_str(), 0600) == 0);
    CHECK(refusal_of("api-token").ends_with("cannot be read: it is no regular file"));
}

TEST_CASE("without a service manager there is none")
{
    environment variables;
    variables.set("CREDENTIALS_DIRECTORY", "");
    CHECK_FALSE(credential("api-token"));
}

TEST_SUITE_END();
