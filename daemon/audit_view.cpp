#include "daemon/audit_view.hpp"

#include "daemon/plan_text.hpp"
#include "daemon/printable.hpp"
#include "daemon/quantity.hpp"
#include "daemon/tally.hpp"

#include <fmt/format.h>

#include <functional>
#include <map>
#include <string_view>
#include <vector>

namespace finwait::daemon {

namespace {

std::string expected_text(const expectation& expected)
{
    std::string text;
    for (const verdict each : expected.verdicts)
        text += fmt::format("{}{}", text.empty() ? "" : " or ", word(each));
    if (expected.end_state)
        text += fmt::format(" {}", word(*expected.end_state));
    return text.empty() ? "nothing" : text;
}

std::string reasons_text(const report& r)
{
    std::string text;
    for (const reason& why : r.reasons) {
        text += fmt::format("    {}: {}", printable(why.code), printable(why.text));
        text += why.source.empty() ? "\n" : fmt::format(" [{}]\n", printable(why.source));
    }
    for (const std::string& warning : r.warnings)
        text += fmt::format("    warning: {}\n", printable(warning));
    return text;
}

// Cells that say the same for the same reasons are one entry: a broken path shows in all framings.
using same_story = std::tuple<kill_point, kill_method, verdict, std::string>;

std::string entry(const std::vector<const report*>& cells, color use)
{
    const report& first = *cells.front();
    std::string head = signed_word(first.verdict);
    if (first.end_state)
        head += fmt::format(" {}", word(*first.end_state));
    std::string text = fmt::format(
        "  {}  {} by {}, expected {}\n",
        painted(head, first.verdict, use),
        word(first.plan.at),
        word(first.plan.by),
        expected_text(first.expected)
    );
    for (const report* cell : cells)
        text += fmt::format("    {}  {}\n", cell->id, printable(variant_of(cell->plan)));
    return text + reasons_text(first) +
           faint(fmt::format("    {}", printable(command_of(first.plan))), use) + "\n";
}

std::string section(
    const audit& done,
    std::string_view heading,
    const std::function<bool(const report&)>& belongs,
    color use
)
{
    std::map<same_story, std::vector<const report*>> stories;
    std::size_t cells = 0;
    for (const report& r : done.reports) {
        if (!belongs(r))
            continue;
        ++cells;
        stories[{r.plan.at, r.plan.by, r.verdict, reasons_text(r)}].push_back(&r);
    }
    if (stories.empty())
        return {};
    std::string text = "\n" + strong(fmt::format("{} ({})", heading, cells), use) + "\n";
    for (const auto& [story, alike] : stories)
        text += entry(alike, use);
    return text;
}

std::string not_run_text(const environment& where, color use)
{
    if (where.not_run.empty())
        return {};
    std::string text = "\n" + strong("Not run here", use) + "\n";
    for (const auto& each : where.not_run) {
        text += fmt::format("  – {}: {}\n", printable(each.what), printable(each.reason));
        if (!each.cure.empty())
            text += fmt::format("    cure: {}\n", printable(each.cure));
    }
    return text;
}

verdict color_of(outcome which)
{
    switch (which) {
    case outcome::clean:
        return verdict::released;
    case outcome::unverified:
        return verdict::unverified;
    case outcome::findings:
    case outcome::void_:
        break;
    }
    return verdict::leaked;
}

} // namespace

std::string summary_line(const audit& done)
{
    std::string verdicts;
    for (const verdict each : all_of<verdict>()) {
        const auto found = done.summary.find(each);
        const std::uint64_t count = found == done.summary.end() ? 0 : found->second;
        verdicts += fmt::format("{}{} {}", verdicts.empty() ? "" : ", ", count, word(each));
    }
    std::string text = fmt::format(
        "{}: {} cells in {}: {}; {} of {} controls caught; {} findings; lab: {}, Linux {}",
        word(done.outcome),
        done.reports.size(),
        show_duration(done.took_ns),
        verdicts,
        done.controls_caught,
        done.controls_planned,
        done.findings.size(),
        word(done.environment.lab),
        printable(done.environment.kernel)
    );
    return done.interrupted ? "interrupted, so far " + text : text;
}

std::string show(const audit& done, const table_style& style)
{
    const color use = style.use_color;
    const auto unjudged = [](const report& r) {
        return r.verdict == verdict::unverified;
    };
    return grid(done.reports, style) +
           section(done, "Escaped controls: this audit proves nothing", is_escaped, use) +
           section(done, "Findings", is_finding, use) +
           section(done, "Could not be judged", unjudged, use) +
           not_run_text(done.environment, use) + "\n" +
           painted(summary_line(done), color_of(done.outcome), use) + "\n";
}

} // namespace finwait::daemon
