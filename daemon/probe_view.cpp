#include "daemon/probe_view.hpp"

#include "daemon/plan_text.hpp"
#include "daemon/printable.hpp"
#include "daemon/quantity.hpp"
#include "daemon/tally.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

namespace finwait::daemon {

namespace {

constexpr std::size_t time_columns = 12;
constexpr std::size_t narrowest_lane = 36;

// One line of the time axis.
struct moment
{
    std::int64_t at_ns = 0;
    int order = 0; // of what happened in the same instant: states, then the kill, then looks
    std::string client;
    std::string origin;
    std::string across; // instead of the lanes: something that concerns both
};

std::string owner_text(bool owned, bool minisock)
{
    return owned ? "open" : minisock ? "minisock" : "no owner";
}

std::string state_text(const interval& seen)
{
    std::string text =
        fmt::format("{} ({}", word(seen.state), owner_text(seen.owned, seen.minisock));
    if (seen.uncertain_ns > 0)
        text += fmt::format(", ≤{} late", show_duration(seen.uncertain_ns));
    return text + ")";
}

std::string look_text(const look& seen)
{
    if (seen.state == tcp_state::CLOSE && !seen.owned)
        return "CLOSE (gone)";
    std::string text =
        fmt::format("{} ({}", word(seen.state), owner_text(seen.owned, seen.minisock));
    if (seen.timer != tcp_timer::none)
        text += fmt::format(
            ", {} {}", word(seen.timer), show_duration(std::int64_t{seen.expires_ms} * 1'000'000)
        );
    if (seen.rqueue != 0 || seen.wqueue != 0)
        text += fmt::format(", queues {}/{}", seen.rqueue, seen.wqueue);
    return text + ")";
}

void add_states(std::vector<moment>& out, const std::optional<end>& of, std::string moment::*lane)
{
    if (!of)
        return;
    for (const interval& seen : of->states) {
        moment one{.at_ns = seen.from_ns};
        one.*lane = state_text(seen);
        out.push_back(std::move(one));
    }
}

void add_look(
    std::vector<moment>& out,
    const connection& which,
    std::optional<look> end::*when,
    std::string_view name
)
{
    const auto& client = which.client ? which.client.value().*when : std::optional<look>();
    const auto& origin = which.origin ? which.origin.value().*when : std::optional<look>();
    if (!client && !origin)
        return;
    const std::int64_t at = std::max(client ? client->at_ns : 0, origin ? origin->at_ns : 0);
    out.push_back({.at_ns = at, .order = 2, .across = fmt::format("── {} ", name)});
    out.push_back(
        {.at_ns = at,
         .order = 3,
         .client = client ? look_text(*client) : "not seen",
         .origin = origin ? look_text(*origin) : "not seen"}
    );
}

std::vector<moment> moments_of(const report& done, const connection& which)
{
    std::vector<moment> axis;
    add_states(axis, which.client, &moment::client);
    add_states(axis, which.origin, &moment::origin);
    if (done.kill.at_ns)
        axis.push_back(
            {.at_ns = *done.kill.at_ns,
             .order = 1,
             .across = fmt::format("── kill: {} ", word(done.plan.by))}
        );
    // Of a server that is not ours only the client's end is seen, and it does what it likes.
    const bool ours = done.plan.target == "origin";
    add_look(
        axis, which, &end::after_kill, ours ? "first look, the origin still stalls" : "first look"
    );
    add_look(
        axis, which, &end::after_origin, ours ? "second look, the origin has let go" : "second look"
    );
    std::stable_sort(axis.begin(), axis.end(), [](const moment& a, const moment& b) {
        return std::pair(a.at_ns, a.order) < std::pair(b.at_ns, b.order);
    });
    return axis;
}

// Both ends in one line where they were seen at the same time.
std::vector<moment> side_by_side(const std::vector<moment>& axis)
{
    std::vector<moment> joined;
    for (const moment& one : axis) {
        const bool fits = !joined.empty() && joined.back().origin.empty() &&
                          joined.back().across.empty() && one.client.empty() &&
                          one.across.empty() &&
                          show_duration(joined.back().at_ns) == show_duration(one.at_ns);
        if (fits)
            joined.back().origin = one.origin;
        else
            joined.push_back(one);
    }
    return joined;
}

std::string ruled(std::string text, std::size_t width)
{
    for (std::size_t i = columns_of(text); i < width; ++i)
        text += "─";
    return text;
}

std::string axis_text(const report& done, const connection& which, color use)
{
    const auto axis = side_by_side(moments_of(done, which));
    std::size_t lane = narrowest_lane;
    for (const moment& one : axis)
        lane = std::max(lane, columns_of(one.client) + 2);
    std::string out =
        strong(padded("  time", time_columns + 2) + padded("client", lane) + "origin", use) + "\n";
    std::string last_time;
    for (const moment& one : axis) {
        std::string time = "+" + show_duration(one.at_ns);
        const bool repeated = time == last_time && one.across.empty();
        last_time = time;
        out += "  " + padded(repeated ? "" : std::move(time), time_columns);
        if (one.across.empty())
            out += one.origin.empty() ? one.client : padded(one.client, lane) + one.origin;
        else
            out += strong(ruled(one.across, lane + narrowest_lane), use);
        out += "\n";
    }
    return out;
}

std::string bind_text(std::optional<bool> answer, const std::string& error)
{
    if (!answer)
        return "not known";
    if (*answer)
        return "yes";
    return error.empty() ? "no" : fmt::format("no ({})", printable(error));
}

std::string connection_text(const report& done, const connection& which, color use)
{
    std::string out;
    if (which.client)
        out += fmt::format(
            "\n  {} -> {}  cookie {:#x}; at the kill {} unread, {} unsent{}\n\n",
            to_string(which.client->local),
            to_string(which.client->peer),
            which.client->cookie,
            show_size(which.client->unread_at_kill_bytes),
            show_size(which.client->unsent_at_kill_bytes),
            which.origin ? fmt::format(
                               "; the origin read {}, wrote {}",
                               show_size(which.request_bytes),
                               show_size(which.response_bytes)
                           )
                         : std::string()
        );
    out += axis_text(done, which, use);
    if (!which.client)
        return out;
    const port_answer& port = which.client->port;
    out += fmt::format(
        "\n  can the port {} be bound? after the kill: {}; {}: {}\n",
        which.client->local.port,
        bind_text(port.bindable_after_kill, port.error),
        done.plan.target == "origin" ? "after the origin let go" : "at the second look",
        bind_text(port.bindable_after_origin, port.error)
    );
    if (which.gone_by_ns)
        out += fmt::format("  the kernel is rid of it by +{}\n", show_duration(*which.gone_by_ns));
    for (const holder& each : which.client->holders)
        out +=
            fmt::format("  held by pid {} fd {}: {}\n", each.pid, each.fd, printable(each.command));
    return out;
}

std::string verdict_text(const report& done, color use)
{
    std::string verdict = signed_word(done.verdict);
    if (done.end_state)
        verdict += fmt::format(" {}", word(*done.end_state));
    std::string wanted;
    for (const auto each : done.expected.verdicts)
        wanted += fmt::format("{}{}", wanted.empty() ? "" : " or ", word(each));
    if (done.expected.end_state)
        wanted += fmt::format(" {}", word(*done.expected.end_state));
    std::string note = done.as_expected ? "as expected" : fmt::format("expected {}", wanted);
    if (done.control)
        note = is_caught(done) ? "a control, caught" : "a control, NOT caught";
    return fmt::format("  {} ({})\n", painted(verdict, done.verdict, use), note);
}

std::string kill_text(const kill_record& kill)
{
    if (!kill.happened)
        return "  the kill did not happen, or nothing confirms it\n";
    return fmt::format("  the kill is confirmed by: {}\n", printable(kill.confirmed_by));
}

// What a program said: the last lines of it, which tell how it ended.
std::string output_text(std::string_view output)
{
    constexpr std::size_t most_lines = 12;
    std::vector<std::string_view> lines;
    while (!output.empty()) {
        const auto newline = std::min(output.find('\n'), output.size());
        lines.push_back(output.substr(0, newline));
        output.remove_prefix(std::min(newline + 1, output.size()));
    }
    if (lines.empty())
        return {};
    const auto shown = [](std::string_view line) {
        constexpr std::size_t longest_line = 200;
        const bool is_long = line.size() > longest_line;
        return printable(line.substr(0, longest_line)) + (is_long ? "…\n" : "\n");
    };
    if (lines.size() == 1)
        return "  its output: " + shown(lines.front());
    const std::size_t left_out = lines.size() - std::min(lines.size(), most_lines);
    std::string out = left_out == 0
                          ? "  its output:\n"
                          : fmt::format("  its output, but for its first {} lines:\n", left_out);
    for (const std::string_view line : std::span(lines).subspan(left_out))
        out += "    " + shown(line);
    return out;
}

std::string process_text(const process_record& process)
{
    std::string command;
    for (const std::string& argument : process.command)
        command += (command.empty() ? "" : " ") + printable(argument);
    std::string out = fmt::format(
        "  process {} ({}): {}\n",
        process.pid,
        command,
        process.lives           ? "lives"
        : process.ended.empty() ? "ended"
                                : printable(process.ended)
    );
    if (process.baseline)
        out += fmt::format(
            "  connections that its successes leave open: {}{}\n",
            *process.baseline,
            process.baseline_source == baseline_source::measured ? ", measured"
            : process.baseline_source                            ? ", its recipe says"
                                                                 : ""
        );
    if (process.zombie_fds > 0)
        out += fmt::format(
            "  descriptors that no listing shows: {}, {} of them new and of none of these "
            "connections\n",
            process.zombie_fds,
            process.new_zombie_fds
        );
    if (process.extra_requests > 0)
        out += fmt::format("  requests beyond those asked for: {}\n", process.extra_requests);
    if (process.works)
        out += fmt::format(
            "  another request of it afterwards: {}\n",
            *process.works ? "answered" : "failed, the client is dead"
        );
    return out + output_text(process.output);
}

std::string counters_text(const counter_deltas& counters)
{
    std::string out;
    for (const auto& [name, delta] : counters)
        if (delta != 0)
            out += fmt::format("{}{} {:+}", out.empty() ? "" : ", ", printable(name), delta);
    return fmt::format("  TCP counters: {}\n", out.empty() ? "none moved" : out);
}

std::string reasons_text(const report& done)
{
    std::string out;
    for (const reason& why : done.reasons) {
        out += fmt::format("  {}\n    {}", printable(why.code), printable(why.text));
        out += why.source.empty() ? "\n" : fmt::format("\n    [{}]\n", printable(why.source));
    }
    return out.empty() ? out : "\nWhy\n" + out;
}

} // namespace

std::string show(const report& done, const table_style& style)
{
    const color use = style.use_color;
    std::string out = strong(
        fmt::format("{} by {}, {}", word(done.plan.at), word(done.plan.by), variant_of(done.plan)),
        use
    );
    out += fmt::format("\n{}{}", verdict_text(done, use), kill_text(done.kill));
    for (const connection& each : done.connections)
        out += connection_text(done, each, use);
    if (done.connections.empty())
        out += "  there is no connection\n";
    out += reasons_text(done) + "\n";
    if (done.process)
        out += process_text(*done.process);
    if (done.counters)
        out += counters_text(*done.counters);
    for (const std::string& warning : done.warnings)
        out += fmt::format("  warning: {}\n", printable(warning));
    return out + faint(fmt::format("  report {}, {}\n", done.id, show_duration(done.took_ns)), use);
}

} // namespace finwait::daemon
