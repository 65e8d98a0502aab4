// Another program's client beside a plan: there and back, and what is refused.
#include "web/json/client_limits.hpp"
#include "web/json/json.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>

using namespace finwait;
using namespace std::chrono_literals;

namespace {

subject::client_order full_order()
{
    subject::client_order order;
    order.command = {"/usr/bin/python3", "-c", "print('\"{url}\\n')", "", "ä"};
    order.variables = {{"A", "1"}, {"EMPTY", ""}, {"Z", "x=y"}};
    order.directory = "/tmp";
    order.is_driver = true;
    order.hold = "^HOLD( now)?$";
    order.release_hold = "go on";
    order.settle = {0ms, 250ms, 8s};
    order.timeout = 3s;
    order.own_timeout = 750ms;
    order.baseline = 2;
    order.success_command = {"/usr/bin/python3", "--requests", "3"};
    order.success_requests = 3;
    order.retries = 4;
    order.survives = false;
    order.is_misuse = true;
    return order;
}

json::plan_line with(subject::client_order order)
{
    json::plan_line line;
    line.plan.subject = "x";
    line.client = std::move(order);
    return line;
}

std::string line_with(const std::string& client)
{
    return R"({"at":"idle","by":"own","subject":"x","client":)" + client + "}";
}

} // namespace

TEST_SUITE_BEGIN("web/json/client");

TEST_CASE("an order comes back as it was, with its plan and its id")
{
    auto line = with(full_order());
    line.id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    const auto back = json::parse_plan(json::dump(line));
    REQUIRE(back);
    CHECK((back->plan == line.plan));
    CHECK(back->id == line.id);
    REQUIRE(back->client);
    CHECK((*back->client == full_order()));
}

TEST_CASE("without a client there is none, and the line says nothing of it")
{
    CHECK(json::dump(json::plan_line{}).find("client") == std::string::npos);
    const auto back = json::parse_plan(R"({"at":"idle","by":"close"})");
    REQUIRE(back);
    CHECK_FALSE(back->client);
}

TEST_CASE("only the command is needed, the rest has its defaults")
{
    const auto line = json::parse_plan(line_with(R"({"command":["curl","{url}"]})"));
    REQUIRE(line);
    subject::client_order wanted;
    wanted.command = {"curl", "{url}"};
    REQUIRE(line->client);
    CHECK((*line->client == wanted));
}

TEST_CASE("the keys are those of the worker's line")
{
    subject::client_order order;
    order.command = {"c"};
    order.variables = {{"B", "1"}, {"B", "2"}};
    CHECK(
        json::dump(with(order))
            .find(
                R"("client":{"command":["c"],"env":{"B":"2"},"cwd":"","driver":false,"hold":"",)"
                R"("release_hold":"","settle_ms":[500,8000],"timeout_ms":10000,"own_timeout_ms":1000,)"
                R"("baseline":null,"success_command":[],"success_requests":1,"retries":null,)"
                R"("survives":null,"misuse":false}})"
            ) != std::string::npos
    );
}

TEST_CASE("what is refused, at which field, with which advice")
{
    struct row
    {
        std::string client;
        std::string_view field;
        std::string_view advice; ///< part of the detail
    };
    const row rows[] = {
        {"null", "client", "object"},
        {"[]", "client", "object"},
        {"{}", "client.command", "missing"},
        {R"({"comand":["c"]})", "client.comand", "did you mean \"command\"?"},
        {R"({"command":["c"],"url":"x"})", "client.url", "unknown key"},
        {R"({"command":"curl"})", "client.command", "list"},
        {R"({"command":[]})", "client.command", "a program"},
        {R"({"command":[""]})", "client.command[0]", "name or path"},
        {R"({"command":["c",7]})", "client.command[1]", "string"},
        {R"({"command":["c","a\u0000b"]})", "client.command[1]", "zero byte"},
        {R"({"command":["c"],"env":["A=1"]})", "client.env", "object"},
        {R"({"command":["c"],"env":{"A":1}})", "client.env.A", "string"},
        {R"({"command":["c"],"env":{"":"1"}})", "client.env", "no name"},
        {R"({"command":["c"],"env":{"A=B":"1"}})", "client.env", "no name"},
        {R"({"command":["c"],"env":{"A":"\u0000"}})", "client.env.A", "zero byte"},
        {R"({"command":["c"],"cwd":"\u0000"})", "client.cwd", "zero byte"},
        {R"({"command":["c"],"driver":1})", "client.driver", "true or false"},
        {R"({"command":["c"],"hold":"("})", "client.hold", "regular expression"},
        {R"({"command":["c"],"hold":"[z-a]"})", "client.hold", "regular expression"},
        {R"({"command":["c"],"settle_ms":[]})", "client.settle_ms", "1 to 16"},
        {R"({"command":["c"],"settle_ms":500})", "client.settle_ms", "list"},
        {R"({"command":["c"],"settle_ms":[5,5]})", "client.settle_ms", "ascend"},
        {R"({"command":["c"],"settle_ms":[8000,500]})", "client.settle_ms", "ascend"},
        {R"({"command":["c"],"settle_ms":[-1]})", "client.settle_ms[0]", "whole number"},
        {R"({"command":["c"],"settle_ms":[600001]})", "client.settle_ms", "600000"},
        {R"({"command":["c"],"settle_ms":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]})",
         "client.settle_ms",
         "1 to 16"},
        {R"({"command":["c"],"timeout_ms":0})", "client.timeout_ms", "from 1"},
        {R"({"command":["c"],"timeout_ms":1.5})", "client.timeout_ms", "whole number"},
        {R"({"command":["c"],"timeout_ms":600001})", "client.timeout_ms", "600000"},
        {R"({"command":["c"],"own_timeout_ms":0})", "client.own_timeout_ms", "from 1"},
        {R"({"command":["c"],"baseline":-1})", "client.baseline", "whole number"},
        {R"({"command":["c"],"baseline":10001})", "client.baseline", "10000"},
        {R"({"command":["c"],"success_command":["c"]})", "client.success_command", "driver"},
        {R"({"command":["c"],"driver":true,"success_command":["c",""],"success_requests":0})",
         "client.success_requests",
         "1 to 1000"},
        {R"({"command":["c"],"driver":true,"success_command":[""]})",
         "client.success_command[0]",
         "name or path"},
        {R"({"command":["c"],"retries":-1})", "client.retries", "whole number"},
        {R"({"command":["c"],"survives":1})", "client.survives", "true or false"},
        {R"({"command":["c"],"misuse":"no"})", "client.misuse", "true or false"},
    };
    for (const auto& each : rows) {
        CAPTURE(each.client);
        const auto line = json::parse_plan(line_with(each.client));
        REQUIRE_FALSE(line);
        CAPTURE(line.error().detail);
        CHECK(line.error().field == each.field);
        CHECK(line.error().detail.find(each.advice) != std::string::npos);
    }
}

TEST_CASE("at a bound is taken, beyond it is refused")
{
    const auto field_of = [](const subject::client_order& order) {
        const auto wrong = json::why_refused(order);
        return wrong ? wrong->field : std::string();
    };
    subject::client_order order;
    order.command.assign(json::most_arguments, "a");
    CHECK(field_of(order).empty());
    order.command.emplace_back("a");
    CHECK(field_of(order) == "command");

    order = {};
    order.command = {std::string(json::longest_argument_bytes, 'a')};
    CHECK(field_of(order).empty());
    order.command.front() += 'a';
    CHECK(field_of(order) == "command[0]");

    order = {};
    order.command.assign(16, std::string(json::longest_argument_bytes - 1, 'a'));
    CHECK(field_of(order).empty());
    order.variables = {{"A", ""}};
    CHECK(field_of(order) == "command");
    order.variables.clear();
    order.is_driver = true;
    order.success_command = {"a"};
    CHECK(field_of(order) == "command");

    order = {};
    order.command = {"a"};
    for (std::size_t i = 0; i < json::most_variables; ++i)
        order.variables.emplace_back("V" + std::to_string(i), "");
    CHECK(field_of(order).empty());
    order.variables.emplace_back("W", "");
    CHECK(field_of(order) == "env");

    order = {};
    order.command = {"a"};
    order.hold.assign(json::longest_hold_bytes, 'a');
    CHECK(field_of(order).empty());
    order.hold += 'a';
    CHECK(field_of(order) == "hold");

    order.hold.clear();
    order.settle = {json::longest_wait};
    order.timeout = order.own_timeout = json::longest_wait;
    order.baseline = json::largest_baseline;
    CHECK(field_of(order).empty());
}

TEST_CASE("what is not UTF-8 is refused, since it would not arrive as it was")
{
    subject::client_order order;
    order.command = {"a", "\xFF"};
    const auto wrong = json::why_refused(order);
    REQUIRE(wrong);
    CHECK(wrong->field == "command[1]");
    CHECK(wrong->detail == "must be UTF-8");
}

TEST_SUITE_END();
