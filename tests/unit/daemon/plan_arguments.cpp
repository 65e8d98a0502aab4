// From the words of the command line to plans, and the complaints on the way.
#include "daemon/plan_arguments.hpp"

#include "daemon/errors.hpp"
#include "probe/model/possible.hpp"
#include "probe/origin/origin.hpp"
#include "tests/unit/daemon/folder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

using namespace finwait;
using namespace finwait::daemon;

namespace {

plan_arguments cell(std::string at, std::string by)
{
    plan_arguments words;
    words.at = {std::move(at)};
    words.by = {std::move(by)};
    return words;
}

std::string complaint(const plan_arguments& words)
{
    try {
        (void)one_plan(words);
    } catch (const usage_error& error) {
        return error.what();
    }
    return {};
}

bool says(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_SUITE_BEGIN("daemon/plan_arguments");

TEST_CASE("a body is none, or a framing with a size")
{
    CHECK(parse_body("--request", "none") == body{});
    CHECK(parse_body("--request", "length:64k") == body{framing::length, 65536});
    CHECK(parse_body("--request", "chunked:0") == body{framing::chunked, 0});
    CHECK(parse_body("--response", "until_close:1M") == body{framing::until_close, mebibyte});
    for (const char* wrong :
         {"",
          "length",
          "length:",
          "length:x",
          "length:-1",
          "none:0",
          "none:",
          "length:1:2",
          ":1",
          "Length:1"}) {
        CAPTURE(wrong);
        CHECK_THROWS_AS((void)parse_body("--request", wrong), usage_error);
    }
}

TEST_CASE("a plan has what its point needs, and what was chosen")
{
    plan_arguments words = cell("request_body", "sigkill");
    CHECK(one_plan(words).request == body{framing::length, 64 * kibibyte});
    CHECK(one_plan(words).method == "POST");
    words.request = "chunked:1m";
    words.method = "PUT";
    words.position = "0.25";
    words.after = "answer";
    words.to = "leader";
    words.tls = words.ipv6 = true;
    const plan made = one_plan(words);
    CHECK(made.request == body{framing::chunked, mebibyte});
    CHECK(made.method == "PUT");
    CHECK(made.position == 0.25);
    CHECK(made.after == after_action::answer);
    CHECK(made.signal_to == signal_target::leader);
    CHECK(made.family == address_family::ipv6);
    CHECK(made.tls);
}

TEST_CASE("a URL decides about TLS")
{
    plan_arguments words = cell("await_response", "close");
    words.target = "https://127.0.0.1:8443/x";
    CHECK(one_plan(words).tls);
    words.target = "http://127.0.0.1:8080/x";
    CHECK_FALSE(one_plan(words).tls);
}

TEST_CASE("a target's certificates and least TLS are for https alone, and read at once")
{
    const finwait::daemon::sample::folder here;
    auto made = finwait::origin::make_tls_context();
    REQUIRE(made);
    const std::string ca = here.file("ca.pem", finwait::origin::certificate_of(**made));
    auto words = cell("idle", "close");
    words.target = "https://127.0.0.1/";
    CHECK_FALSE(one_plan(words).target_tls);
    words.tls_min = "1.3";
    CHECK((one_plan(words).target_tls == tls_settings{.ca = {}, .min = tls_version::v1_3}));
    words.ca = ca;
    CHECK((one_plan(words).target_tls == tls_settings{.ca = ca, .min = tls_version::v1_3}));
    for (const plan& each : all_plans(words))
        CHECK(each.target_tls->ca == ca);
    words.ca = std::filesystem::relative(ca).string();
    CHECK(std::filesystem::path(one_plan(words).target_tls->ca).is_absolute());
    CHECK(std::filesystem::equivalent(one_plan(words).target_tls->ca, ca));
    words.ca = here.path() + "/absent";
    CHECK(says(complaint(words), "--ca: "));
    CHECK(says(complaint(words), "No such file"));
    words.ca = ca;
    words.tls_min = "1.1";
    CHECK(says(complaint(words), "--tls-min: unknown TLS version \"1.1\": did you mean \"1.2\"?"));
    words.tls_min.reset();
    for (const char* target : {"http://127.0.0.1/", "origin"}) {
        words.target = target;
        CHECK(says(complaint(words), "--ca and --tls-min are for a --target with an https:// URL"));
    }
    words.target.reset();
    CHECK(says(complaint(words), "--ca and --tls-min"));
}

TEST_CASE("a target over https is spoken to over TLS, in whatever case its URL is written")
{
    auto words = cell("idle", "close");
    for (const char* target : {"https://127.0.0.1/", "HTTPS://127.0.0.1/", "Https://127.0.0.1/"}) {
        words.target = target;
        CHECK_MESSAGE(one_plan(words).tls, target);
    }
    words.target = "HTTP://127.0.0.1/";
    CHECK_FALSE(one_plan(words).tls);
}

TEST_CASE("an unknown word is answered with the nearest right one")
{
    CHECK(says(complaint(cell("requst_body", "close")), "\"request_body\""));
    CHECK(says(complaint(cell("idle", "sigkil")), "\"sigkill\""));
    CHECK(says(complaint(cell("requst_body", "close")), "--at"));
    plan_arguments words = cell("idle", "close");
    words.response = "chuncked:1k";
    CHECK(says(complaint(words), "\"chunked\""));
    words = cell("idle", "close");
    words.after = "anser";
    CHECK(says(complaint(words), "\"answer\""));
    words = cell("idle", "close");
    words.to = "gruop";
    CHECK(says(complaint(words), "\"group\""));
    words = cell("idle", "close");
    words.target = "ftp://x";
    CHECK(says(complaint(words), "--target"));
}

TEST_CASE("a position is a number from 0 to 1")
{
    plan_arguments words = cell("response_body", "close");
    for (const char* wrong : {"", "-0.1", "1.1", "nan", "inf", "0,5", "0.5x", "half"}) {
        CAPTURE(wrong);
        words.position = wrong;
        CHECK(says(complaint(words), "--position"));
    }
    for (const char* right : {"0", "1", "0.5", "5e-1"}) {
        CAPTURE(right);
        words.position = right;
        CHECK(complaint(words).empty());
    }
}

TEST_CASE("an impossible plan is refused with its reason")
{
    const std::string text = complaint(cell("idle_peer_closed", "peer_close"));
    CHECK(says(text, "idle_peer_closed by peer_close cannot be probed"));
    CHECK(text.size() > 60);
}

TEST_CASE("probe wants one point and one method")
{
    plan_arguments words;
    CHECK(says(complaint(words), "--at"));
    words = cell("idle", "close");
    words.by.push_back("reset");
    CHECK(says(complaint(words), "--by"));
}

TEST_CASE("an audit without choices is the default matrix")
{
    CHECK(all_plans({}) == every_plan());
    CHECK(all_plans({}).size() >= 250);
}

TEST_CASE("an audit keeps to what was chosen")
{
    plan_arguments words;
    words.at = {"idle", "request_body"};
    words.by = {"close", "abandon"};
    words.tls = true;
    const auto plans = all_plans(words);
    CHECK_FALSE(plans.empty());
    CHECK(std::all_of(plans.begin(), plans.end(), [](const plan& p) {
        return p.tls && (p.at == kill_point::idle || p.at == kill_point::request_body) &&
               (p.by == kill_method::close || p.by == kill_method::abandon);
    }));
    CHECK(std::none_of(plans.begin(), plans.end(), [](const plan& p) {
        return why_impossible(p).has_value();
    }));
}

TEST_CASE("an audit of which nothing can be is refused with a reason")
{
    plan_arguments words = cell("idle_peer_closed", "peer_close");
    CHECK_THROWS_AS((void)all_plans(words), usage_error);
}

TEST_CASE("what was chosen by name is known")
{
    plan_arguments words = cell("resolve", "sock_destroy");
    words.ipv6 = true;
    const auto names = chosen_by_name(words);
    CHECK(names.contains("resolve"));
    CHECK(names.contains("sock_destroy"));
    CHECK(names.contains("ipv6"));
    CHECK(chosen_by_name({}).empty());
}

TEST_SUITE_END();
