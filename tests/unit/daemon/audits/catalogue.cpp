// What the API shows of subjects, targets and settings.
#include "daemon/audits/catalogue.hpp"

#include "tests/unit/daemon/folder.hpp"

#include <doctest/doctest.h>

using namespace finwait;
using namespace finwait::daemon;

TEST_SUITE_BEGIN("daemon/audits/catalogue");

TEST_CASE("the built-in client is always there; of the others what was found out")
{
    std::vector<recipe> recipes(2);
    recipes[0].name = "curl";
    recipes[0].modes = {
        {.name = "plain"},
        {.name = "odd", .use = mode_use::extra},
        {.name = "kept", .use = mode_use::misuse}};
    recipes[1].name = "new";
    const known_programs known{
        {"curl", {.is_there = false, .version = {}, .reason = "not installed"}}};
    const auto records = subject_records(recipes, known);
    REQUIRE(records.size() == 3);
    CHECK(records[0].name == "beast");
    CHECK(records[0].is_present);
    CHECK(records[0].at.size() == all_of<kill_point>().size());
    CHECK((records[1].modes == std::vector<std::string>{"curl:odd", "curl:kept"}));
    CHECK(records[1].why_absent == "not installed");
    CHECK_FALSE(records[1].is_present);
    CHECK(records[1].version);
    CHECK_FALSE(records[2].version);
    CHECK(records[2].why_absent.empty());
}

TEST_CASE("a URL's query is nobody's business")
{
    configuration how;
    how.targets = {
        {.name = "a",
         .url = "https://x/y?token=secret#z",
         .allow_private = true,
         .tls = tls_settings{.ca = "/ca.pem"}},
        {.name = "b", .url = "http://x/", .allow_loopback = true}};
    const auto records = target_records(how);
    REQUIRE(records.size() == 3);
    CHECK(records[0].name == "origin");
    CHECK(records[1].url == "https://x/y?<redacted>");
    CHECK((records[1].allow == std::vector<std::string>{"private"}));
    CHECK(records[1].tls->ca == "/ca.pem");
    CHECK_FALSE(records[2].tls);
    CHECK(records[2].url == "http://x/");
    CHECK((records[2].allow == std::vector<std::string>{"loopback"}));
    const auto settings = settings_of(how);
    CHECK(settings.targets[1].url.find("secret") == std::string::npos);
    CHECK_FALSE(settings.unix_path);
    CHECK(settings.tcp_writes == "never");
}

TEST_CASE("settings are shown as they are in force")
{
    configuration how;
    how.serve.tcp = loopback(address_family::ipv6, 9793);
    how.serve.tcp_writes = tcp_writes::token;
    how.history.path = "/var/lib/finwait/history.db";
    how.audits = {{.name = "default", .every = std::chrono::hours(1)}};
    const auto settings = settings_of(how);
    CHECK(settings.tcp == "[::1]:9793");
    CHECK(settings.tcp_writes == "token");
    CHECK(settings.history_path == "/var/lib/finwait/history.db");
    CHECK(settings.audits[0].every == std::chrono::hours(1));
    CHECK(settings.audit_queue == how.limits.audit_queue);
}

TEST_CASE("a recipe that cannot be read is left out")
{
    const sample::folder own;
    own.file("broken.toml", "version = 1\n");
    CHECK(readable_recipes({own.path()}).empty());
    CHECK(readable_recipes({own.path() + "/none"}).empty());
}

TEST_SUITE_END();
