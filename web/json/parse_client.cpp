// Another program's client, as it comes with a plan.
#include "web/json/client_limits.hpp"
#include "web/json/read.hpp"

namespace finwait::json {

namespace {

using milliseconds = std::chrono::milliseconds;

/// A time of a client's order, as its number of milliseconds.
struct time_of
{
    milliseconds& whole;
};

void decode(const value& from, const place& at, fault& why, time_of& out)
{
    std::uint32_t number = 0;
    decode(from, at, why, number);
    out.whole = milliseconds(number);
}

struct settle_of
{
    std::vector<milliseconds>& whole;
};

void decode(const value& from, const place& at, fault& why, settle_of& out)
{
    std::vector<std::uint32_t> numbers;
    decode(from, at, why, numbers);
    out.whole.clear();
    for (const auto number : numbers)
        out.whole.emplace_back(number);
}

struct variables_of
{
    std::vector<std::pair<std::string, std::string>>& whole;
};

void decode(const value& from, const place& at, fault& why, variables_of& out)
{
    std::map<std::string, std::string, std::less<>> named;
    decode(from, at, why, named);
    out.whole.assign(named.begin(), named.end());
}

} // namespace

void decode(const value& from, const place& at, fault& why, subject::client_order& out)
{
    object_reader in(from, at, why);
    variables_of variables{out.variables};
    settle_of settle{out.settle};
    time_of timeout{out.timeout};
    time_of own_timeout{out.own_timeout};
    in.need("command", out.command);
    in.may("env", variables);
    in.may("cwd", out.directory);
    in.may("driver", out.is_driver);
    in.may("hold", out.hold);
    in.may("release_hold", out.release_hold);
    in.may("settle_ms", settle);
    in.may("timeout_ms", timeout);
    in.may("own_timeout_ms", own_timeout);
    in.may("baseline", out.baseline);
    in.may("success_command", out.success_command);
    in.may("success_requests", out.success_requests);
    in.may("retries", out.retries);
    in.may("survives", out.survives);
    in.may("misuse", out.is_misuse);
    in.finish();
    if (why)
        return;
    if (auto wrong = why_refused(out))
        why.refuse(place{&at, wrong->field}, std::move(wrong->detail));
}

} // namespace finwait::json
