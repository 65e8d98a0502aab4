// What the daemon concludes from an audit and from an environment.
#include "daemon/service.hpp"

#include "daemon/audit_run.hpp"

#include <doctest/doctest.h>

using namespace finwait;
using namespace finwait::daemon;

TEST_SUITE_BEGIN("daemon/service");

TEST_CASE("an audit's outcome is the daemon's health")
{
    CHECK(health_of(outcome::clean) == health::pass);
    CHECK(health_of(outcome::unverified) == health::warn);
    CHECK(health_of(outcome::findings) == health::fail);
    CHECK(health_of(outcome::void_) == health::fail);
}

TEST_CASE("the checks say what is missing")
{
    environment where{.kernel = "6.1", .lab = lab_kind::namespace_, .observers = {"sock_diag"}};
    CHECK(checks_of(where).at("lab").status == health::pass);
    CHECK(checks_of(where).at("sock_diag").status == health::pass);
    where.lab = lab_kind::host;
    where.not_run = {{"sock_destroy", "EPERM", "CAP_NET_ADMIN"}};
    CHECK(checks_of(where).at("lab").status == health::warn);
    CHECK(
        checks_of(where).at("lab").detail == "on the host's loopback; not run: sock_destroy (EPERM)"
    );
    where.observers.clear();
    CHECK(checks_of(where).at("sock_diag").status == health::fail);
    CHECK(checks_of({}).at("lab").status == health::fail);
    CHECK(checks_of({}).at("sock_diag").detail == "no worker could be started");
}

TEST_CASE("an environment is asked about the method, the point and the family of a plan")
{
    const environment where{
        .not_run = {{"sock_destroy", "a", "b"}, {"resolve", "c", ""}, {"ipv6", "d", ""}}};
    plan what;
    CHECK_FALSE(why_not_here(what, where));
    what.by = kill_method::sock_destroy;
    CHECK(why_not_here(what, where)->reason == "a");
    what = {.at = kill_point::resolve};
    CHECK(why_not_here(what, where)->what == "resolve");
    what = {.family = address_family::ipv6};
    CHECK(why_not_here(what, where)->what == "ipv6");
}

TEST_SUITE_END();
