// From words to audits, and what is wrong with them.
#include "daemon/audits/order.hpp"

#include "tests/unit/daemon/folder.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace finwait;
using namespace finwait::daemon;
using web::problem;
using web::problem_code;

namespace {

configuration sample_configuration()
{
    configuration how;
    how.audits = {{.name = "default"}, {.name = "nightly", .at = {"idle"}, .by = {"close"}}};
    how.targets = {
        {.name = "shop",
         .url = "https://shop.example/x?token=secret",
         .tls = tls_settings{.ca = "/ca.pem", .min = tls_version::v1_3}},
        {.name = "local", .url = "http://127.0.0.1:8080/", .allow_loopback = true},
        {.name = "forbidden", .url = "http://127.0.0.1:8080/"},
        {.name = "cloud", .url = "http://[::ffff:169.254.169.254]/", .allow_private = true}};
    how.limits.per_target_interval = std::chrono::milliseconds(700);
    return how;
}

struct fixture
{
    sample::folder recipes;
    configuration how = sample_configuration();
    order_context within{.how = how, .recipe_directories = {recipes.path()}};

    fixture() { recipes.file("broken.toml", "version = 1\nname = 7\n"); }

    prepared_audit made(const web::audit_order& wanted) const
    {
        auto came = prepare(wanted, within);
        if (const auto* const why = std::get_if<problem>(&came))
            FAIL(why->detail);
        return std::get<prepared_audit>(std::move(came));
    }

    template <class Wanted>
    problem refused(const Wanted& wanted) const
    {
        auto came = prepare(wanted, within);
        REQUIRE(std::holds_alternative<problem>(came));
        return std::get<problem>(came);
    }
};

std::string pointer_in(const problem& why)
{
    return why.errors.empty() ? "" : why.errors.front().pointer;
}

} // namespace

TEST_SUITE_BEGIN("daemon/audits/order");

TEST_CASE_FIXTURE(fixture, "an audit of the configuration is as it stands there")
{
    const auto nightly = made({.name = "nightly"});
    CHECK(nightly.name == "nightly");
    CHECK(nightly.target == "origin");
    REQUIRE_FALSE(nightly.request.plans.empty());
    for (const auto& each : nightly.request.plans) {
        CHECK(each.plan.at == kill_point::idle);
        CHECK(each.plan.by == kill_method::close);
    }
    CHECK(nightly.request.by_name.contains("idle"));
    const auto whole = made({.name = "default"});
    CHECK(whole.request.plans.size() > 300);
    CHECK(whole.request.by_name.empty());
    const auto all = prepare(audit_settings{.name = "x", .at = {"all"}, .by = {"all"}}, within);
    CHECK(std::get<prepared_audit>(all).request.plans.size() == whole.request.plans.size());
}

TEST_CASE_FIXTURE(fixture, "two that mean the same have the same key, others do not")
{
    const web::audit_order one{.at = {"idle", "connected"}, .by = {"close"}};
    web::audit_order same{.at = {"connected", "idle", "idle"}, .by = {"close"}};
    CHECK(made(one).key == made(same).key);
    same.repeat = 2;
    CHECK(made(one).key != made(same).key);
    CHECK(made({.name = "nightly"}).key != made({.at = {"idle"}, .by = {"close"}}).key);
    CHECK(made({.name = "nightly"}).key != made({.name = "default"}).key);
    const auto scheduled = prepare(how.audits[1], within);
    CHECK(std::get<prepared_audit>(scheduled).key == made({.name = "nightly"}).key);
}

TEST_CASE_FIXTURE(fixture, "a wrong word is told with its place and the nearest right one")
{
    struct row
    {
        web::audit_order wanted;
        problem_code code;
        std::string pointer;
        std::string says;
    };
    for (const row& each : {
             row{{.name = "nigthly"}, problem_code::not_found, "/name", "nightly"},
             row{{.name = "nightly", .at = {"idle"}},
                 problem_code::invalid_body,
                 "/name",
                 "chosen"},
             row{{.at = {"idle", "idel"}}, problem_code::invalid_body, "/at/1", "\"idle\""},
             row{{.by = {"clsoe"}}, problem_code::invalid_body, "/by/0", "\"close\""},
             row{{.framing = {"chunky"}}, problem_code::invalid_body, "/framing/0", "chunk"},
             row{{.at = {"idle"}, .framing = {"until_close"}},
                 problem_code::invalid_body,
                 "/framing",
                 "no cell"},
             row{{.subjects = {"beats"}}, problem_code::unknown_subject, "/subjects/0", "beast"},
             row{{.subjects = {"beast", "broken"}},
                 problem_code::unknown_subject,
                 "/subjects/1",
                 "broken.toml:2"},
             row{{.target = "shpo"}, problem_code::unknown_target, "/target", "shop"},
             row{{.target = "http://127.0.0.1/"},
                 problem_code::unknown_target,
                 "/target",
                 "no target"},
             row{{.target = "forbidden"}, problem_code::target_not_allowed, "/target", "loopback"},
             row{{.target = "cloud"}, problem_code::target_not_allowed, "/target", "metadata"},
             row{{.repeat = 1000}, problem_code::invalid_body, "/repeat", "times"},
             row{{.at = {"resolve"}, .by = {"peer_close"}},
                 problem_code::invalid_body,
                 "",
                 "cannot"},
         }) {
        CAPTURE(each.pointer);
        CAPTURE(each.says);
        const auto why = refused(each.wanted);
        CHECK(why.code == each.code);
        CHECK(pointer_in(why) == each.pointer);
        CHECK(why.detail.find(each.says) != std::string::npos);
    }
}

TEST_CASE_FIXTURE(fixture, "a choice of framings leaves the cells that have one of them")
{
    const auto both = made({.at = {"request_body"}, .framing = {"length", "chunked"}});
    const auto chunked = made({.at = {"request_body"}, .framing = {"chunked"}});
    CHECK(chunked.request.plans.size() < both.request.plans.size());
    for (const auto& each : chunked.request.plans)
        CHECK(each.plan.request.how == framing::chunked);
}

TEST_CASE_FIXTURE(fixture, "a target of the configuration is guarded, and not hurried")
{
    const auto shop = made({.at = {"idle"}, .by = {"close"}, .target = "shop"});
    CHECK(shop.target == "shop");
    REQUIRE(shop.request.plans.size() == 1);
    CHECK(shop.request.plans[0].plan.target == "https://shop.example/x?token=secret");
    CHECK(shop.request.plans[0].plan.tls);
    CHECK((shop.request.plans[0].plan.target_tls == how.targets[0].tls));
    CHECK(shop.request.crew.worker.where == lab::wanted::host);
    CHECK((shop.request.crew.worker.targets == address_policy{}));
    CHECK(shop.request.crew.jobs == 1);
    CHECK(shop.request.crew.pace == std::chrono::milliseconds(700));
    const auto local = made({.at = {"idle"}, .by = {"close"}, .target = "local"});
    CHECK(local.request.crew.worker.targets->allow_loopback);
    CHECK_FALSE(local.request.crew.worker.targets->allow_private);
    const auto ours = made({.at = {"idle"}, .by = {"close"}});
    CHECK_FALSE(ours.request.crew.worker.targets);
    CHECK(ours.request.crew.pace.count() == 0);
}

TEST_CASE_FIXTURE(fixture, "a probe is completed, and refused where it cannot be")
{
    plan wanted{.at = kill_point::request_body, .by = kill_method::reset};
    auto came = prepare(wanted, within);
    REQUIRE(std::holds_alternative<prepared_probe>(came));
    CHECK(std::get<prepared_probe>(came).as_asked.request.bytes > 0);
    wanted.unread = true;
    CHECK(refused(wanted).code == problem_code::invalid_body);
    CHECK(pointer_in(refused(wanted)) == "/unread");
    wanted = {.at = kill_point::idle, .by = kill_method::close};
    wanted.target = "shop";
    came = prepare(wanted, within);
    REQUIRE(std::holds_alternative<prepared_probe>(came));
    const auto& probe = std::get<prepared_probe>(came);
    CHECK(probe.as_asked.target == "shop");
    CHECK(probe.as_asked.tls);
    CHECK((probe.line.plan.target_tls == how.targets[0].tls));
    CHECK(probe.line.plan.target.starts_with("https://shop.example"));
    CHECK(probe.crew.worker.targets);
    wanted.target = "forbidden";
    CHECK(refused(wanted).code == problem_code::target_not_allowed);
    wanted.target = "origin";
    for (const char* subject : {"nobody", "all", "broken"}) {
        wanted.subject = subject;
        CHECK(refused(wanted).code == problem_code::unknown_subject);
        CHECK(pointer_in(refused(wanted)) == "/subject");
    }
}

TEST_CASE("programs that are not here are told once each")
{
    std::vector<recipe> wanted(3);
    wanted[0].name = wanted[2].name = "a";
    wanted[0].install = "apt install a";
    wanted[1].name = "b";
    const auto absent = absent_of(
        wanted,
        {{.is_there = false, .version = {}, .reason = "no"},
         {.is_there = true, .version = "1", .reason = {}},
         {.is_there = false, .version = {}, .reason = "no"}}
    );
    REQUIRE(absent.size() == 1);
    CHECK((absent[0] == not_run{"a", "no", "apt install a"}));
}

TEST_SUITE_END();
