// Plans as they come from outside.
#include "web/json/json.hpp"
#include "web/json/records.hpp"

#include <doctest/doctest.h>

using namespace finwait;

TEST_SUITE_BEGIN("web/json/plan");

TEST_CASE("only at and by are needed, the rest has its defaults")
{
    const auto line = json::parse_plan(R"({"at":"response_body","by":"reset"})");
    REQUIRE(line);
    plan wanted;
    wanted.at = kill_point::response_body;
    wanted.by = kill_method::reset;
    CHECK((line->plan == wanted));
    CHECK_FALSE(line->id);
}

TEST_CASE("a plan comes back as it was, with its id")
{
    plan p;
    p.by = kill_method::throw_;
    p.position = 1;
    p.request = {framing::chunked, 65536};
    p.response = {framing::none, 0};
    p.after = after_action::stall;
    const auto plain = json::parse_plan(json::dump(p));
    REQUIRE(plain);
    CHECK((plain->plan == p));
    const json::plan_line line{.plan = p, .id = "01ARZ3NDEKTSV4RRFFQ69G5FAV"};
    const auto back = json::parse_plan(json::dump(line));
    REQUIRE(back);
    CHECK((back->plan == p));
    CHECK(back->id == line.id);
}

TEST_CASE("the TLS of a target is there only where it was said")
{
    plan p;
    CHECK(json::dump(p).find("target_tls") == std::string::npos);
    for (const tls_settings& each :
         {tls_settings{},
          tls_settings{.ca = "/etc/ssl/ca \xC3\xA9.pem"},
          tls_settings{.ca = "/x", .min = tls_version::v1_3}}) {
        p.target_tls = each;
        const auto back = json::parse_plan(json::dump(p));
        REQUIRE(back);
        CHECK((back->plan == p));
    }
    const auto empty = json::parse_plan(R"({"at":"idle","by":"close","target_tls":{}})");
    REQUIRE(empty);
    CHECK((empty->plan.target_tls == tls_settings{}));
}

TEST_CASE(
    "an order to the API has no TLS of its own: the configuration has it, by the target's name"
)
{
    for (const char* part :
         {R"({"ca":"/etc/passwd"})",
          R"({"min":"1.3"})",
          R"({"ca":null,"min":"1.2"})",
          "{}",
          "null"}) {
        const std::string text =
            R"({"at":"idle","by":"close","target":"shop","target_tls":)" + std::string(part) + "}";
        CAPTURE(text);
        const auto order = json::parse_probe_order(text);
        REQUIRE_FALSE(order);
        CHECK(order.error().field == "target_tls");
    }
    for (const char* key : {"ca", "tls_min", "session_tickets", "target_tls"}) {
        const auto order = json::parse_audit_order(
            R"({"at":["idle"],"target":"shop",")" + std::string(key) + R"(":"/etc/passwd"})"
        );
        REQUIRE_FALSE(order);
        CHECK(order.error().field == key);
    }
    const auto order = json::parse_audit_order(R"({"target":"shop","tls":{"ca":"/etc/passwd"}})");
    REQUIRE_FALSE(order);
    CHECK(order.error().field == "tls");
}

TEST_CASE("every word of every enumeration is read")
{
    for (const auto at : all_of<kill_point>())
        for (const auto by : all_of<kill_method>()) {
            plan p;
            p.at = at;
            p.by = by;
            const auto back = json::parse_plan(json::dump(p));
            REQUIRE(back);
            CHECK((back->plan == p));
        }
}

TEST_CASE("part of a body leaves the other part at its default")
{
    const auto chunked =
        json::parse_plan(R"({"at":"idle","by":"close","response":{"framing":"chunked"}})");
    REQUIRE(chunked);
    CHECK((chunked->plan.response == body{framing::chunked, 65536}));
    const auto none =
        json::parse_plan(R"({"at":"idle","by":"close","response":{"framing":"none"}})");
    REQUIRE(none);
    CHECK((none->plan.response == body{framing::none, 0}));
    const auto small =
        json::parse_plan(R"({"at":"idle","by":"close","response":{"body_bytes":7}})");
    REQUIRE(small);
    CHECK((small->plan.response == body{framing::length, 7}));
}

TEST_CASE("what is refused, at which field, with which advice")
{
    struct row
    {
        std::string_view text;
        std::string_view field;
        std::string_view advice; ///< part of the detail
    };
    constexpr row rows[] = {
        {"", "", "no JSON"},
        {"x", "", "no JSON"},
        {"null", "", "object"},
        {"[]", "", "object"},
        {"3", "", "object"},
        {R"({"at":"idle","by":"close"} x)", "", "no JSON"},
        {R"({"at":"idle","by":"close",})", "", "no JSON"},
        {R"({"at":"idle","by":"close"}{})", "", "no JSON"},
        {R"({"at":"idle",/**/"by":"close"})", "", "no JSON"},
        {"\xEF\xBB\xBF{\"at\":\"idle\",\"by\":\"close\"}", "", "byte order mark"},
        {"{\"at\":\"\xFF\",\"by\":\"close\"}", "", "no JSON"},
        {R"({"at":"\ud800","by":"close"})", "", "no JSON"},
        {R"({"at":"idle","at":"idle","by":"close"})", "", "\"at\" is there twice"},
        {R"({"at":"idle","by":"close","request":{"framing":"none","framing":"none"}})",
         "",
         "twice"},
        {R"({"by":"close"})", "at", "missing"},
        {R"({"at":"idle"})", "by", "missing"},
        {R"({"att":"idle","by":"close"})", "att", "did you mean \"at\"?"},
        {R"({"at":"idle","by":"close","TLS":true})", "TLS", "did you mean \"tls\"?"},
        {R"({"at":"idle","by":"close","zzzzzz":true})", "zzzzzz", "one of: at, by, subject"},
        {R"({"at":"reqest_body","by":"close"})", "at", "did you mean \"request_body\"?"},
        {R"({"at":"request-body","by":"close"})", "at", "did you mean \"request_body\"?"},
        {R"({"at":"qqqq","by":"close"})", "at", "one of: resolve, connect"},
        {R"({"at":"idle","by":"sigkil"})",
         "by",
         "no kill method \"sigkil\"; did you mean \"sigkill\"?"},
        {R"({"at":"idle","by":"Close"})", "by", "did you mean \"close\"?"},
        {R"({"at":5,"by":"close"})", "at", "string"},
        {R"({"at":"idle","by":null})", "by", "string"},
        {R"({"at":"idle","by":"close","tls":1})", "tls", "true or false"},
        {R"({"at":"idle","by":"close","tls":"true"})", "tls", "true or false"},
        {R"({"at":"idle","by":"close","position":"x"})", "position", "number"},
        {R"({"at":"idle","by":"close","position":1.01})", "position", "0 to 1"},
        {R"({"at":"idle","by":"close","position":-0.1})", "position", "0 to 1"},
        {R"({"at":"idle","by":"close","position":1e999})", "", "no JSON"},
        {R"({"at":"idle","by":"close","position":true})", "position", "number"},
        {R"({"at":"idle","by":"close","requests":0})", "requests", "at least 1"},
        {R"({"at":"idle","by":"close","requests":1.0})", "requests", "whole number"},
        {R"({"at":"idle","by":"close","requests":4294967296})", "requests", "0 to 4294967295"},
        {R"({"at":"idle","by":"close","request":[]})", "request", "object"},
        {R"({"at":"idle","by":"close","request":{"body_bytes":-1,"framing":"length"}})",
         "request.body_bytes",
         "whole number"},
        {R"({"at":"idle","by":"close","request":{"body_bytes":18446744073709551616,"framing":"length"}})",
         "request.body_bytes",
         "whole number"},
        {R"({"at":"idle","by":"close","request":{"body_bytes":9}})",
         "request.framing",
         "length or chunked"},
        {R"({"at":"idle","by":"close","request":{"framing":"lenght"}})",
         "request.framing",
         "did you mean \"length\"?"},
        {R"({"at":"idle","by":"close","request":{"metod":"GET"}})",
         "request.metod",
         "did you mean \"method\"?"},
        {R"({"at":"idle","by":"close","request":{"method":"GET /x"}})", "request.method", "method"},
        {R"({"at":"idle","by":"close","request":{"method":""}})", "request.method", "method"},
        {R"({"at":"idle","by":"close","subject":"a\u0000b"})", "subject", "control"},
        {R"({"at":"idle","by":"close","subject":""})", "subject", "1 to 256"},
        {R"({"at":"idle","by":"close","target":"http://a\r\nb"})", "target", "control"},
        {R"({"at":"idle","by":"close","target_tls":true})", "target_tls", "object"},
        {R"({"at":"idle","by":"close","target_tls":{"min":"1.1"}})",
         "target_tls.min",
         "no TLS version \"1.1\"; did you mean \"1.2\"?"},
        {R"({"at":"idle","by":"close","target_tls":{"ca":"ca.pem"}})",
         "target_tls.ca",
         "absolute path"},
        {R"({"at":"idle","by":"close","target_tls":{"ca":"/a\nb"}})", "target_tls.ca", "control"},
        {R"({"at":"idle","by":"close","target_tls":{"cas":"/x"}})",
         "target_tls.cas",
         "did you mean \"ca\"?"},
        {R"({"at":"idle","by":"close","id":"x"})", "id", "ULID"},
        {R"({"at":"idle","by":"close","id":null})", "id", "string"},
    };
    for (const auto& each : rows) {
        CAPTURE(each.text);
        const auto line = json::parse_plan(each.text);
        REQUIRE_FALSE(line);
        CAPTURE(line.error().detail);
        CHECK(line.error().field == each.field);
        CHECK(line.error().detail.find(each.advice) != std::string::npos);
    }
}

TEST_CASE("depth is limited before anything is built of it")
{
    std::string deep = R"({"at":)";
    deep += std::string(1'000'000, '[');
    const auto line = json::parse_plan(deep);
    REQUIRE_FALSE(line);
    CHECK(line.error().detail == "is nested deeper than 32 levels");
}

TEST_CASE("a long wrong word is not repeated in full")
{
    const auto line =
        json::parse_plan(R"({"by":"close","at":")" + std::string(100'000, 'x') + "\"}");
    REQUIRE_FALSE(line);
    CHECK(line.error().detail.size() < 400);
}

TEST_SUITE_END();
