// What a reload takes over, and how a refusal looks.
#include "daemon/reloading.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

TEST_SUITE_BEGIN("daemon/reloading");

using finwait::daemon::config_error;
using finwait::daemon::configuration;
using finwait::daemon::named_by;
using finwait::daemon::put_in_force;
using finwait::daemon::refusal_of;
using finwait::daemon::taken_over;

TEST_CASE("what cannot change while the daemon runs stays, all else is new")
{
    configuration running;
    running.serve.unix_path = "/old/api.sock";
    running.serve.allowed_hosts = {"old"};
    running.history.path = "/old/history.db";
    running.limits.queue = 1;
    configuration wanted;
    wanted.serve.unix_path = "/new/api.sock";
    wanted.history.path = "/new/history.db";
    wanted.history.path_named_by = named_by::configuration;
    wanted.history.max_bytes = 7;
    wanted.limits.queue = 2;
    wanted.audits = {{.name = "new"}};
    const auto now = taken_over(wanted, running);
    CHECK(now.serve == running.serve);
    CHECK(now.history.path == "/old/history.db");
    CHECK(now.history.path_named_by == named_by::nobody);
    CHECK(now.history.max_bytes == 7);
    CHECK(now.limits.queue == 2);
    CHECK(now.audits == wanted.audits);
    REQUIRE(now.warnings.size() == 2);
    CHECK(now.warnings[0].find("needs a restart") != std::string::npos);
}

TEST_CASE("a configuration that cannot be taken over whole is not taken over at all")
{
    configuration running;
    running.limits.queue = 1;
    configuration wanted;
    wanted.limits.queue = 2;
    configuration service = running;
    std::vector<std::size_t> seen;
    // It changes what there is before it fails.
    const auto take_over = [&](configuration how) {
        seen.push_back(how.limits.queue);
        service = running = std::move(how);
        if (service.limits.queue == 2 && seen.size() == 1)
            throw std::runtime_error("half way");
    };
    CHECK(put_in_force(wanted, running, take_over) == "half way");
    CHECK(seen == std::vector<std::size_t>{2, 1});
    CHECK(service.limits.queue == 1);
    CHECK(running.limits.queue == 1);
    CHECK(put_in_force(wanted, running, take_over) == std::nullopt);
    CHECK(service.limits.queue == 2);
}

TEST_CASE("a refusal has every mistake with its place")
{
    const auto refusal = refusal_of(
        {{.file = "/etc/f.toml", .line = 3, .column = 7, .detail = "x is no key"},
         {.file = "/etc/g.toml", .line = 0, .column = 0, .detail = "cannot be read"}}
    );
    CHECK(refusal.code == finwait::web::problem_code::bad_config);
    CHECK(refusal.detail.find("2 mistakes; the last good one stays") != std::string::npos);
    REQUIRE(refusal.errors.size() == 2);
    CHECK(refusal.errors[0].file == "/etc/f.toml");
    CHECK(refusal.errors[0].line == 3);
    CHECK(refusal.errors[0].column == 7);
    CHECK(refusal.errors[0].detail == "x is no key");
    CHECK(refusal.errors[1].line == 0);
    CHECK(
        refusal_of({{.file = "f", .line = 1, .column = 1, .detail = "x"}}
        ).detail.find("1 mistake;") != std::string::npos
    );
}

TEST_SUITE_END();
