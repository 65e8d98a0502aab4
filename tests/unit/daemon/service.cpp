// What the daemon concludes from audits and from an environment, and what it remembers of them.
#include "daemon/service.hpp"

#include "daemon/audit_run.hpp"
#include "daemon/audits/order.hpp"
#include "tests/unit/daemon/history/fixture.hpp"

#include <doctest/doctest.h>

using namespace finwait;
using namespace finwait::daemon;

namespace {

configuration with_audits(const std::vector<std::string>& names)
{
    configuration how;
    for (const std::string& each : names)
        how.audits.push_back({.name = each});
    return how;
}

/// A daemon that has not begun, on a history of its own.
struct remembering
{
    sample::folder folder;
    sample::opened past{sample::in(folder)};
    boost::asio::io_context io;

    std::unique_ptr<service> with(const configuration& how)
    {
        return service::make(io, how, *past.past, {});
    }
    service_status status() { return with(with_audits({"default", "nightly"}))->status(); }
    void store(std::string_view name, report one)
    {
        past.store(sample::named(std::string(name), {std::move(one)}));
    }
};

} // namespace

TEST_SUITE_BEGIN("daemon/service");

TEST_CASE("an audit's outcome is the daemon's health")
{
    CHECK(health_of(outcome::clean) == health::pass);
    CHECK(health_of(outcome::unverified) == health::warn);
    CHECK(health_of(outcome::findings) == health::fail);
    CHECK(health_of(outcome::void_) == health::fail);
}

TEST_CASE_FIXTURE(remembering, "the status is that of the configuration's audits")
{
    const auto sound = sample::cell(kill_point::idle, kill_method::close);
    CHECK(status().status == health::warn);
    SUBCASE("one that was asked for by its cells does not make it good")
    {
        store(ad_hoc, sound);
        CHECK(status().status == health::warn);
        CHECK(status().last_audit->outcome == outcome::clean);
        store("nightly", sound);
        CHECK(status().status == health::pass);
    }
    SUBCASE("nor bad, but what it found can be seen")
    {
        store(ad_hoc, sample::finding());
        CHECK(status().status == health::warn);
        CHECK(status().open_findings == 0);
        CHECK(status().last_audit->outcome == outcome::findings);
        CHECK(past->findings({}).items.size() == 1);
        store("nightly", sound);
        store(ad_hoc, sample::finding());
        CHECK(status().status == health::pass);
        CHECK(status().last_audit->outcome == outcome::findings);
    }
    SUBCASE("one of them is enough to make it bad")
    {
        store("default", sound);
        store("nightly", sample::finding());
        CHECK(status().status == health::fail);
        CHECK(status().open_findings == 1);
    }
}

TEST_CASE_FIXTURE(remembering, "an audit that comes back into the configuration has its last run")
{
    store("nightly", sample::cell(kill_point::idle, kill_method::close));
    const auto both = with_audits({"default", "nightly"});
    const auto under_test = with(both);
    const auto before = under_test->status();
    REQUIRE(before.audits.size() == 2);
    REQUIRE(before.audits[1].last);
    CHECK(before.status == health::pass);
    under_test->apply(with_audits({"default"}));
    CHECK(under_test->status().audits.size() == 1);
    CHECK(under_test->status().status == health::warn);
    under_test->apply(both);
    CHECK(under_test->status().audits == before.audits);
    CHECK(under_test->status().status == health::pass);
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
