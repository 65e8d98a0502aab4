#include "probe/judge/summing_up.hpp"

#include "probe/judge/deadlines.hpp"

#include <algorithm>
#include <utility>

namespace finwait::judge {

namespace {

std::string on_one_line(std::string text)
{
    std::ranges::replace_if(
        text, [](char c) { return c >= 0 && c < ' '; }, ' '
    );
    return text;
}

} // namespace

void add_all(std::vector<reason>& to, std::vector<reason> more)
{
    for (reason& each : more)
        if (std::ranges::find(to, each) == to.end())
            to.push_back(std::move(each));
}

judgement::of_connection in_short(const ruling& ruled, const kernel_settings& settings)
{
    judgement::of_connection brief;
    brief.verdict = ruled.verdict;
    brief.end_state = ruled.end_state;
    if (ruled.last && (ruled.verdict == verdict::released || ruled.verdict == verdict::draining))
        brief.gone_by_ns = gone_by(*ruled.last, settings);
    return brief;
}

std::optional<tcp_state> common_end(const std::vector<judgement::of_connection>& all)
{
    if (all.empty())
        return std::nullopt;
    const std::optional<tcp_state> first = all.front().end_state;
    const bool same =
        std::ranges::all_of(all, [&](const auto& each) { return each.end_state == first; });
    return same ? first : std::nullopt;
}

judgement& give_up(judgement& made, const report& seen, reason because)
{
    made.verdict = verdict::unverified;
    made.end_state.reset();
    made.as_expected = false;
    made.connections.assign(seen.connections.size(), {});
    made.reasons.clear();
    made.reasons.push_back(std::move(because));
    return made;
}

std::string holders_of(const end& client)
{
    std::string text;
    for (const holder& each : client.holders)
        text.append(text.empty() ? "" : ", ")
            .append("process ")
            .append(std::to_string(each.pid))
            .append(" ")
            .append(on_one_line(each.command))
            .append(", descriptor ")
            .append(std::to_string(each.fd));
    return text;
}

} // namespace finwait::judge
