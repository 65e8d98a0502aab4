// The handlers that tell of the daemon itself.
#include "web/exposition.hpp"
#include "web/handlers.hpp"
#include "web/json/openapi.hpp"
#include "web/json/records.hpp"
#include "web/printable.hpp"
#include "web/query.hpp"
#include "web/schemas.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace finwait::web {

namespace {

/// Of a request that says for how long it may wait, but not how long.
constexpr auto usual_wait = std::chrono::milliseconds(30'000);

/// RFC 9110 13.1.2: a list of tags compared weakly, or `*`.
bool is_among(std::string_view tag, std::string_view if_none_match)
{
    if (if_none_match == "*")
        return true;
    while (!if_none_match.empty()) {
        const auto comma = std::min(if_none_match.find(','), if_none_match.size());
        auto each = if_none_match.substr(0, comma);
        if_none_match.remove_prefix(std::min(comma + 1, if_none_match.size()));
        each.remove_prefix(std::min(each.find_first_not_of(" \t"), each.size()));
        each = each.substr(0, each.find_last_not_of(" \t") + 1);
        if (each.starts_with("W/"))
            each.remove_prefix(2);
        if (each == tag)
            return true;
    }
    return false;
}

const status_page::rendered& status_now(const surroundings& with)
{
    const auto& log = with.from.events();
    return with.status.now(with.from, log.revision(), log.status_index());
}

answer status_answer(const status_page::rendered& now, const std::string& if_none_match)
{
    auto out = !if_none_match.empty() && is_among(now.tag, if_none_match)
                   ? answer{304, "", nullptr, {}}
                   : json_answer(now.body);
    out.fields.emplace_back("ETag", now.tag);
    return out;
}

/// What the query of the status asks for.
struct status_wish
{
    std::optional<std::uint64_t> index;
    std::optional<std::chrono::milliseconds> wait;
    std::optional<health> wait_for;
    std::optional<std::chrono::milliseconds> timeout;

    bool has_to_wait() const { return index || wait || wait_for; }
};

std::optional<answer> read(const request& wanted, const surroundings& with, status_wish& out)
{
    query_reader query(wanted);
    query.number("index", out.index);
    query.duration("wait", with.longest_wait, out.wait);
    query.word("wait_for", out.wait_for);
    query.duration("timeout", with.longest_wait, out.timeout);
    if (out.wait_for && (out.index || out.wait))
        query.refuse("index and wait are for changes, wait_for and timeout for a status: not both");
    if (out.timeout && !out.wait_for)
        query.refuse("timeout needs wait_for, such as wait_for=pass");
    return query.wrong();
}

std::chrono::milliseconds with_jitter(std::chrono::milliseconds time, const surroundings& with)
{
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return spread(time, with.longest_wait, std::chrono::floor<std::chrono::microseconds>(now));
}

/// The web side's own numbers.
metrics_snapshot own_metrics(const api_counts& counts)
{
    metric requests{
        "finwait_api_requests_total",
        "Requests answered, by route and status.",
        metric_kind::counter,
        {}};
    for (const auto& [key, count] : counts.requests)
        requests.samples.push_back(
            {{{"route", std::string(key.first)}, {"code", std::to_string(key.second)}},
             static_cast<double>(count)}
        );
    metric rejected{
        "finwait_api_rejected_total",
        "Requests refused before any route was asked, by reason.",
        metric_kind::counter,
        {}};
    for (const auto reason : all_of<problem_code>())
        rejected.samples.push_back(
            {{{"reason", std::string(word(reason))}},
             static_cast<double>(counts.rejected[static_cast<std::size_t>(reason)])}
        );
    metric open{"finwait_api_connections", "Connections that are open.", metric_kind::gauge, {}};
    open.samples = {
        {{{"listener", "tcp"}}, static_cast<double>(counts.tcp_connections)},
        {{{"listener", "unix"}}, static_cast<double>(counts.unix_connections)}};
    metric streams{"finwait_api_event_streams", "Readers of events.", metric_kind::gauge, {}};
    streams.samples = {{{}, static_cast<double>(counts.tcp_streams + counts.unix_streams)}};
    metric away{
        "finwait_api_turned_away_total",
        "Connections for which there was no room.",
        metric_kind::counter,
        {}};
    away.samples = {{{}, static_cast<double>(counts.turned_away)}};
    return {requests, rejected, open, streams, away};
}

} // namespace

reaction get_livez(const request&, const surroundings&)
{
    return text_answer(200, "ok\n");
}

reaction get_readyz(const request& wanted, const surroundings& with)
{
    const auto checks = with.from.readiness();
    const bool ready = std::none_of(checks.begin(), checks.end(), [](const auto& each) {
        return each.second.status == health::fail;
    });
    std::string text;
    if (query_reader(wanted).find("verbose"))
        for (const auto& [name, check] : checks) {
            const bool good = check.status != health::fail;
            text += fmt::format("[{}]{} {}", good ? '+' : '-', name, good ? "ok" : "failed");
            text += check.detail.empty() ? "\n" : ": " + printable(check.detail) + "\n";
        }
    return text_answer(ready ? 200 : 503, text + (ready ? "ok\n" : "not ready\n"));
}

reaction get_metrics(const request& wanted, const surroundings& with)
{
    const double open = quality_of(wanted.accept, open_metrics_type);
    const bool prefers_open = open > quality_of(wanted.accept, "text/plain");
    const auto how = prefers_open ? exposition::open_metrics : exposition::text;
    auto all = with.from.metrics();
    for (auto& each : own_metrics(with.counts))
        all.push_back(std::move(each));
    auto body = std::make_shared<const std::string>(expose(all, how));
    return answer{200, std::string(content_type_of(how)), std::move(body), {}};
}

reaction get_status(const request& wanted, const surroundings& with)
{
    if (wanted.where.query.empty())
        return status_answer(status_now(with), wanted.if_none_match);
    status_wish wish;
    if (auto wrong = read(wanted, with, wish); wrong)
        return std::move(*wrong);
    if (!wish.has_to_wait())
        return status_answer(status_now(with), wanted.if_none_match);
    const auto index = wish.index.value_or(with.from.events().status_index());
    const auto good_enough = [with, wish, index] {
        const auto& now = status_now(with);
        return wish.wait_for ? now.status <= *wish.wait_for : now.index != index;
    };
    const auto time = wish.wait_for ? wish.timeout : wish.wait;
    return delayed{
        with_jitter(time.value_or(std::min(usual_wait, with.longest_wait)), with),
        [with, good_enough, match = wanted.if_none_match](occasion why) -> std::optional<answer> {
            if (why == occasion::change && !good_enough())
                return std::nullopt;
            return status_answer(status_now(with), match);
        }};
}

reaction get_config(const request&, const surroundings& with)
{
    return json_answer(with.from.config());
}

reaction post_reload(const request& wanted, const surroundings& with)
{
    if (const auto wrong = json::parse_nothing(wanted.body); wrong && !wanted.body.empty())
        return invalid_body(wanted, *wrong);
    auto result = with.from.reload_config(wanted.by);
    if (const auto* wrong = std::get_if<problem>(&result); wrong)
        return problem_answer(*wrong, wanted.where.path);
    return json_answer(std::get<document>(std::move(result)));
}

reaction get_events(const request& wanted, const surroundings&)
{
    event_stream out;
    query_reader query(wanted);
    std::optional<std::string> audit;
    query.id("audit", audit);
    if (auto wrong = query.wrong(); wrong)
        return std::move(*wrong);
    out.audit = audit.value_or("");
    if (wanted.last_event_id.empty())
        return out;
    // Any other text cannot be one of ours: a reader that shows it has missed what there was.
    std::uint64_t last = 0;
    const auto* end = wanted.last_event_id.data() + wanted.last_event_id.size();
    const auto [rest, error] = std::from_chars(wanted.last_event_id.data(), end, last);
    out.after = error == std::errc() && rest == end ? last : 0;
    return out;
}

reaction get_openapi(const request&, const surroundings&)
{
    static const document made =
        std::make_shared<const std::string>(json::openapi(operations(), schemas()));
    return json_answer(made);
}

reaction get_schema(const request& wanted, const surroundings&)
{
    for (const auto& each : schemas())
        if (each.name == wanted.id)
            return answer{
                200, "application/schema+json", std::make_shared<const std::string>(each.text), {}};
    return problem_answer(
        {problem_code::not_found, "there is no schema of that name; openapi.json names them"},
        wanted.where.path
    );
}

} // namespace finwait::web
