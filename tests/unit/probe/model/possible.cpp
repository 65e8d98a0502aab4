// Which plans can be, by the rule that refuses each that cannot.
#include "probe/model/possible.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <set>

using namespace finwait;
using enum kill_point;

namespace {

using by = kill_method;

plan plan_of(kill_point at, kill_method how)
{
    plan made;
    made.at = at;
    made.by = how;
    made.tls = at == tls_handshake || at == tls_shutdown;
    return completed(made);
}

/// A possible plan, changed into one that is refused for the field named.
struct change
{
    const char* field;
    kill_point at;
    kill_method how;
    std::function<void(plan&)> to;
};

const change changes[] = {
    {"by",
     await_response,
     by::close,
     [](plan& p) {
         p.subject = "curl";
     }},
    {"by",
     await_response,
     by::exit,
     [](plan& p) {
         p.subject = "curl";
     }},
    {"at",
     request_headers,
     by::sigint,
     [](plan& p) {
         p.subject = "curl";
     }},
    {"blocked",
     request_body,
     by::sigint,
     [](plan& p) {
         p.subject = "curl";
     }},
    {"unread",
     response_body,
     by::sigint,
     [](plan& p) {
         p.subject = "curl";
         p.unread = true;
     }},
    {"target",
     await_response,
     by::sigint,
     [](plan& p) {
         p.subject = "curl";
         p.target = "http://127.0.0.1/";
     }},
    {"requests",
     await_response,
     by::sigint,
     [](plan& p) {
         p.subject = "curl";
         p.requests = 0;
     }},
    {"by",
     await_response,
     by::close,
     [](plan& p) {
         p.by = by::own;
     }},
    {"by",
     await_response,
     by::close,
     [](plan& p) {
         p.by = by::cut;
     }},
    {"requests",
     await_response,
     by::close,
     [](plan& p) {
         p.requests = 2;
     }},
    {"requests",
     await_response,
     by::close,
     [](plan& p) {
         p.requests = 0;
     }},
    {"signal_to",
     await_response,
     by::sigint,
     [](plan& p) {
         p.signal_to = signal_target::group;
     }},
    {"method",
     await_response,
     by::close,
     [](plan& p) {
         p.method = "G T";
     }},
    {"method",
     await_response,
     by::close,
     [](plan& p) {
         p.method = "GET\r\n";
     }},
    {"method",
     await_response,
     by::close,
     [](plan& p) {
         p.method.clear();
     }},
    {"method",
     await_response,
     by::close,
     [](plan& p) {
         p.method = std::string(65, 'A');
     }},
    {"method",
     await_response,
     by::close,
     [](plan& p) {
         p.method = "G\xc3\x89T";
     }},
    {"method",
     await_response,
     by::close,
     [](plan& p) {
         p.method = "CONNECT";
     }},
    {"method",
     response_body,
     by::close,
     [](plan& p) {
         p.method = "HEAD";
     }},
    {"position",
     response_body,
     by::close,
     [](plan& p) {
         p.position = -0.01;
     }},
    {"position",
     response_body,
     by::close,
     [](plan& p) {
         p.position = 1.01;
     }},
    {"position",
     response_body,
     by::close,
     [](plan& p) {
         p.position = std::numeric_limits<double>::quiet_NaN();
     }},
    {"position",
     response_body,
     by::close,
     [](plan& p) {
         p.position = std::numeric_limits<double>::infinity();
     }},
    {"request.framing",
     await_response,
     by::close,
     [](plan& p) {
         p.request = {framing::until_close, 10};
     }},
    {"request.framing",
     request_body,
     by::close,
     [](plan& p) {
         p.request = {};
     }},
    {"request.framing",
     expect_continue,
     by::close,
     [](plan& p) {
         p.request = {};
     }},
    {"request.body_bytes",
     request_body,
     by::close,
     [](plan& p) {
         p.request.bytes = 1;
     }},
    {"request.body_bytes",
     expect_continue,
     by::close,
     [](plan& p) {
         p.request.bytes = 0;
     }},
    {"request.body_bytes",
     request_body,
     by::close,
     [](plan& p) {
         p.request.bytes = largest_body + 1;
     }},
    {"request.body_bytes",
     await_response,
     by::close,
     [](plan& p) {
         p.request = {framing::none, 1};
     }},
    {"request.body_bytes",
     request_body,
     by::close,
     [](plan& p) {
         p.blocked = true;
         p.request.bytes = smallest_blocked_body - 1;
     }},
    {"response.body_bytes",
     await_response,
     by::close,
     [](plan& p) {
         p.response.bytes = largest_body + 1;
     }},
    {"response.body_bytes",
     await_response,
     by::close,
     [](plan& p) {
         p.response = {framing::none, 1};
     }},
    {"response.body_bytes",
     response_body,
     by::close,
     [](plan& p) {
         p.response.bytes = 1;
     }},
    {"response.framing",
     response_body,
     by::close,
     [](plan& p) {
         p.response = {};
     }},
    {"response.framing",
     idle,
     by::close,
     [](plan& p) {
         p.response.how = framing::until_close;
     }},
    {"response.framing",
     idle_peer_closed,
     by::close,
     [](plan& p) {
         p.response.how = framing::until_close;
     }},
    {"response.framing",
     tls_shutdown,
     by::close,
     [](plan& p) {
         p.response.how = framing::until_close;
     }},
    {"unread",
     await_response,
     by::close,
     [](plan& p) {
         p.unread = true;
     }},
    {"unread",
     idle,
     by::close,
     [](plan& p) {
         p.unread = true;
     }},
    {"blocked",
     await_response,
     by::close,
     [](plan& p) {
         p.blocked = true;
     }},
    {"blocked",
     expect_continue,
     by::close,
     [](plan& p) {
         p.blocked = true;
     }},
    {"tls",
     tls_handshake,
     by::close,
     [](plan& p) {
         p.tls = false;
     }},
    {"tls",
     tls_shutdown,
     by::close,
     [](plan& p) {
         p.tls = false;
     }},
    {"by",
     resolve,
     by::cancel,
     [](plan& p) {
         p.by = by::deadline;
     }},
    {"by",
     resolve,
     by::cancel,
     [](plan& p) {
         p.by = by::close;
     }},
    {"by",
     resolve,
     by::cancel,
     [](plan& p) {
         p.by = by::abandon;
     }},
    {"by",
     resolve,
     by::cancel,
     [](plan& p) {
         p.by = by::sock_destroy;
     }},
    {"by",
     resolve,
     by::cancel,
     [](plan& p) {
         p.by = by::peer_silent;
     }},
    {"after",
     resolve,
     by::cancel,
     [](plan& p) {
         p.after = after_action::stall;
     }},
    {"by",
     connect,
     by::close,
     [](plan& p) {
         p.by = by::peer_close;
     }},
    {"by",
     connect,
     by::close,
     [](plan& p) {
         p.by = by::peer_reset;
     }},
    {"by",
     connect,
     by::close,
     [](plan& p) {
         p.by = by::peer_silent;
     }},
    {"by",
     idle_peer_closed,
     by::close,
     [](plan& p) {
         p.by = by::peer_close;
     }},
    {"by",
     idle_peer_closed,
     by::close,
     [](plan& p) {
         p.by = by::peer_silent;
     }},
    {"after",
     idle_peer_closed,
     by::close,
     [](plan& p) {
         p.after = after_action::answer;
     }},
    {"target",
     await_response,
     by::close,
     [](plan& p) {
         p.target = "ftp://a/";
     }},
    {"target",
     await_response,
     by::close,
     [](plan& p) {
         p.target.clear();
     }},
    {"target",
     await_response,
     by::close,
     [](plan& p) {
         p.target = "Origin";
     }},
    {"tls",
     await_response,
     by::close,
     [](plan& p) {
         p.target = "https://a/";
     }},
    {"tls",
     await_response,
     by::close,
     [](plan& p) {
         p.target = "HTTP://a/";
         p.tls = true;
     }},
    {"target_tls",
     await_response,
     by::close,
     [](plan& p) {
         p.tls = true;
         p.target_tls.emplace();
     }},
    {"target_tls",
     await_response,
     by::close,
     [](plan& p) {
         p.target = "http://a/";
         p.target_tls.emplace();
     }},
    {"by",
     await_response,
     by::peer_close,
     [](plan& p) {
         p.target = "http://a/";
     }},
    {"after",
     await_response,
     by::close,
     [](plan& p) {
         p.target = "http://a/";
         p.after = after_action::stall;
     }},
    {"at",
     resolve,
     by::cancel,
     [](plan& p) {
         p.target = "http://a/";
     }},
    {"at",
     connect,
     by::close,
     [](plan& p) {
         p.target = "http://a/";
     }},
    {"at",
     tls_handshake,
     by::close,
     [](plan& p) {
         p.target = "https://a/";
     }},
    {"at",
     expect_continue,
     by::close,
     [](plan& p) {
         p.target = "http://a/";
     }},
    {"at",
     response_headers,
     by::close,
     [](plan& p) {
         p.target = "http://a/";
     }},
    {"at",
     idle_peer_closed,
     by::close,
     [](plan& p) {
         p.target = "http://a/";
     }},
    {"at",
     tls_shutdown,
     by::close,
     [](plan& p) {
         p.target = "https://a/";
     }},
    {"blocked",
     request_body,
     by::close,
     [](plan& p) {
         p.target = "http://a/";
         p.blocked = true;
         p.request.bytes = 8 * mebibyte;
     }},
};

/// The kill methods of the built-in client.
std::vector<kill_method> methods_at(kill_point at)
{
    std::vector<kill_method> possible;
    for (const kill_method how : all_of<kill_method>())
        if (!why_impossible(plan_of(at, how)))
            possible.push_back(how);
    return possible;
}

} // namespace

TEST_SUITE_BEGIN("probe/model/possible");

TEST_CASE("what is refused, and for which field")
{
    for (const change& each : changes) {
        plan changed = plan_of(each.at, each.how);
        REQUIRE_FALSE(why_impossible(changed));
        each.to(changed);
        const auto refused = why_impossible(changed);
        CAPTURE(word(each.at));
        CAPTURE(each.field);
        REQUIRE(refused);
        CHECK(refused->field == each.field);
        CHECK(refused->reason.size() > 20);
        CHECK(refused->reason.back() != '.');
    }
}

TEST_CASE("the methods of each kill point")
{
    for (const kill_point at : all_of<kill_point>()) {
        CAPTURE(word(at));
        const auto possible = methods_at(at);
        if (at == resolve)
            CHECK(
                possible ==
                std::vector{
                    by::throw_,
                    by::cancel,
                    by::sigint,
                    by::sigterm,
                    by::sigkill,
                    by::exit,
                    by::stop}
            );
        else
            CHECK(possible.size() == (at == connect || at == idle_peer_closed ? 14 : 17));
        CHECK(std::ranges::find(possible, by::cut) == possible.end());
        CHECK(std::ranges::find(possible, by::own) == possible.end());
    }
}

TEST_CASE("every combination is possible or refused with a field and a sentence")
{
    const std::set<std::string> fields{
        "at",
        "by",
        "tls",
        "unread",
        "blocked",
        "request.framing",
        "request.body_bytes",
        "response.framing",
        "response.body_bytes",
        "after",
        "method"};
    std::size_t count = 0;
    plan made;
    for (made.at = resolve; made.at <= tls_shutdown;
         made.at = static_cast<kill_point>(static_cast<int>(made.at) + 1))
        for (const kill_method how : all_of<kill_method>())
            for (const framing request : all_of<framing>())
                for (const framing response : all_of<framing>())
                    for (const after_action after : all_of<after_action>())
                        for (unsigned flags = 0; flags < 8; ++flags) {
                            made.by = how;
                            made.request = {request, request == framing::none ? 0 : 8 * mebibyte};
                            made.response = {response, response == framing::none ? 0U : 100U};
                            made.after = after;
                            made.tls = (flags & 1U) != 0;
                            made.unread = (flags & 2U) != 0;
                            made.blocked = (flags & 4U) != 0;
                            const auto refused = why_impossible(made);
                            ++count;
                            if (refused && (!fields.contains(refused->field) ||
                                            refused->reason.find("would do") == std::string::npos))
                                FAIL_CHECK(refused->field, ": ", refused->reason);
                        }
    CHECK(count == 13U * 19 * 4 * 4 * 4 * 8);
}

TEST_CASE("what is allowed beside the ordinary")
{
    plan made = plan_of(await_response, by::close);
    for (const char* method : {"GET", "HEAD", "DELETE", "M-SEARCH", "x!#$%&'*+-.^_`|~9"}) {
        made.method = method;
        made.request = {framing::length, 10};
        CHECK_FALSE(why_impossible(made));
    }
    made = plan_of(response_headers, by::close);
    made.method = "HEAD";
    made.unread = true;
    CHECK_FALSE(why_impossible(made));
    made = plan_of(response_body, by::close);
    made.response = {framing::until_close, 2};
    CHECK_FALSE(why_impossible(made));
    for (const double position : {0.0, 1.0, 1e-300}) {
        made.position = position;
        CHECK_FALSE(why_impossible(made));
    }
    made = plan_of(connect, by::close);
    made.tls = true;
    made.after = after_action::stall;
    CHECK_FALSE(why_impossible(made));
    made = plan_of(request_body, by::close);
    made.blocked = true;
    for (const framing how : {framing::length, framing::chunked}) {
        made.request = {how, smallest_blocked_body};
        CHECK_FALSE(why_impossible(made));
    }
    made = plan_of(await_response, by::close);
    made.request = {framing::chunked, largest_body};
    CHECK_FALSE(why_impossible(made));
    made.response = {};
    CHECK_FALSE(why_impossible(made));
}

TEST_CASE("a server of somebody else can be met at these points")
{
    for (const kill_point at :
         {connected, request_headers, request_body, await_response, response_body, idle})
        for (const char* target :
             {"http://127.0.0.1:8080/x", "https://example.org", "HTTPS://a/"}) {
            plan made = plan_of(at, by::sigkill);
            made.target = target;
            made.tls = target[4] == 's' || target[4] == 'S';
            CHECK_FALSE(why_impossible(made));
            made.by = by::sock_destroy;
            CHECK_FALSE(why_impossible(made));
            made.unread = true;
            CHECK(why_impossible(made).has_value() == (at != response_body));
        }
}

TEST_CASE("completed fills in what the point needs")
{
    plan made;
    made.at = request_body;
    CHECK(completed(made).request == body{framing::length, 64 * kibibyte});
    CHECK(completed(made).method == "POST");
    made.blocked = true;
    CHECK(completed(made).request == body{framing::length, 8 * mebibyte});
    made.request = {framing::chunked, 5 * mebibyte};
    CHECK(completed(made).request == made.request);
    made.blocked = false;
    made.at = expect_continue;
    made.request = {};
    CHECK(completed(made).request == body{framing::length, 64 * kibibyte});
    made.method = "PUT";
    CHECK(completed(made).method == "PUT");
    made.at = await_response;
    CHECK(completed(made).request == body{});
    made.method.clear();
    CHECK(completed(made).method == "GET");
    made.request = {framing::chunked, 0};
    CHECK(completed(made).method == "POST");
    made.method = "HEAD";
    CHECK(completed(made).method == "HEAD");
}

TEST_CASE("completed twice is completed once, and changes nothing else")
{
    for (const kill_point at : all_of<kill_point>())
        for (const bool blocked : {false, true})
            for (const char* method : {"", "GET", "POST", "HEAD"}) {
                plan made;
                made.at = at;
                made.blocked = blocked;
                made.method = method;
                made.position = 0.25;
                made.family = address_family::ipv6;
                plan once = completed(made);
                CHECK(completed(once) == once);
                once.method = made.method;
                once.request = made.request;
                CHECK(once == made);
            }
}

TEST_CASE("the default matrix has every possible pair, in order, once")
{
    const auto plans = every_plan();
    CHECK(plans.size() == 512);
    std::set<std::pair<kill_point, kill_method>> pairs;
    for (std::size_t i = 0; i < plans.size(); ++i) {
        CHECK_FALSE(why_impossible(plans[i]));
        CHECK(completed(plans[i]) == plans[i]);
        CHECK(
            std::find(plans.begin() + static_cast<std::ptrdiff_t>(i) + 1, plans.end(), plans[i]) ==
            plans.end()
        );
        pairs.insert({plans[i].at, plans[i].by});
        if (i > 0) {
            const auto before = std::pair{plans[i - 1].at, plans[i - 1].by};
            const auto here = std::pair{plans[i].at, plans[i].by};
            CHECK(before <= here);
        }
    }
    for (const kill_point at : all_of<kill_point>())
        for (const kill_method how : methods_at(at))
            CHECK(pairs.contains({at, how}));
    CHECK(pairs.size() == 7 + 2 * 14 + 10 * 17);
}

TEST_CASE("the default matrix has all the variants of each pair")
{
    std::map<std::pair<kill_point, kill_method>, std::set<std::string>> variants;
    for (const plan& each : every_plan()) {
        CHECK(each.family == address_family::ipv4);
        CHECK(each.after == after_action::close);
        CHECK(each.position == 0.5);
        std::string text = each.tls ? "https" : "http";
        text.append(each.unread ? " unread" : "").append(each.blocked ? " blocked" : "");
        text.append(each.request.how == framing::chunked ? " chunked" : "");
        text.append(each.response.how == framing::chunked ? " chunked" : "");
        variants[{each.at, each.by}].insert(text);
    }
    const std::set<std::string> both{"http", "https"};
    for (const auto& each : variants) {
        const kill_point at = each.first.first;
        const auto& found = each.second;
        CAPTURE(word(at));
        switch (at) {
        case tls_handshake:
        case tls_shutdown:
            CHECK(found == std::set<std::string>{"https"});
            break;
        case request_body:
            CHECK(
                found ==
                std::set<std::string>{
                    "http", "http chunked", "http blocked", "https", "https blocked"}
            );
            break;
        case response_headers:
            CHECK(found == std::set<std::string>{"http", "http unread", "https", "https unread"});
            break;
        case response_body:
            CHECK(
                found ==
                std::set<std::string>{
                    "http", "http chunked", "http unread", "https", "https unread"}
            );
            break;
        default:
            CHECK(found == both);
        }
    }
}

TEST_CASE("choices narrow and widen the matrix")
{
    choices some;
    some.points = {{idle, connect, idle}};
    some.methods = {{by::reset, by::close, by::reset}};
    auto plans = every_plan(some);
    REQUIRE(plans.size() == 8);
    CHECK(plans.front().at == connect);
    CHECK(plans.front().by == by::close);
    CHECK(plans.back().at == idle);
    CHECK(plans.back().by == by::reset);

    some.families = {{address_family::ipv4, address_family::ipv6}};
    CHECK(every_plan(some).size() == 16);
    some.schemes = {{scheme::https}};
    CHECK(every_plan(some).size() == 8);
    some.requests = {{body{framing::chunked, 10}, body{framing::chunked, 10}}};
    plans = every_plan(some);
    CHECK(plans.size() == 8);
    CHECK(std::ranges::all_of(plans, [](const plan& each) {
        return each.request == body{framing::chunked, 10} && each.method == "POST" && each.tls;
    }));
    some.unread = {{true}};
    CHECK(every_plan(some).empty());
}

TEST_CASE("choices reach every plan")
{
    choices some;
    some.points = {{request_body}};
    some.methods = {{by::close}};
    some.blocked = {{true}};
    some.schemes = {{scheme::http}};
    some.method = "PUT";
    some.position = 0.75;
    some.after = after_action::answer;
    auto plans = every_plan(some);
    REQUIRE(plans.size() == 1);
    CHECK(plans.front().method == "PUT");
    CHECK(plans.front().position == 0.75);
    CHECK(plans.front().after == after_action::answer);
    CHECK(plans.front().request == body{framing::length, 8 * mebibyte});
    some.requests = {{body{framing::length, 64 * kibibyte}}};
    CHECK(every_plan(some).empty());

    choices elsewhere;
    elsewhere.target = "https://127.0.0.1/";
    plans = every_plan(elsewhere);
    CHECK_FALSE(plans.empty());
    for (const plan& each : plans) {
        CHECK(each.tls);
        CHECK(each.target == "https://127.0.0.1/");
    }
    choices head;
    head.points = {{response_body, response_headers}};
    head.method = "HEAD";
    for (const plan& each : every_plan(head))
        CHECK(each.at == response_headers);
    choices subject;
    subject.subject = "curl";
    for (const plan& each : every_plan(subject)) {
        CHECK(family_of(each.by) != kill_family::client);
        CHECK(each.by != kill_method::exit);
        CHECK(each.at != request_headers);
        CHECK(each.at != tls_shutdown);
        CHECK(each.blocked == (each.at == request_body));
    }
    choices nothing;
    nothing.points.emplace();
    CHECK(every_plan(nothing).empty());
}

TEST_SUITE_END();
