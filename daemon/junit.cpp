#include "daemon/junit.hpp"

#include "daemon/plan_text.hpp"
#include "daemon/printable.hpp"
#include "daemon/tally.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace finwait::daemon {

namespace {

// printable() has escaped what XML 1.0 section 2.2 forbids, but for U+FFFE and U+FFFF.
std::string escaped(std::string_view raw)
{
    std::string out;
    const std::string text = printable(raw);
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::string_view rest = std::string_view(text).substr(i);
        if (rest.starts_with("\xEF\xBF\xBE") || rest.starts_with("\xEF\xBF\xBF")) {
            out += "\xEF\xBF\xBD";
            i += 2;
            continue;
        }
        switch (text[i]) {
        case '&':
            out += "&amp;";
            break;
        case '<':
            out += "&lt;";
            break;
        case '>':
            out += "&gt;";
            break;
        case '"':
            out += "&quot;";
            break;
        default:
            out += text[i];
        }
    }
    return out;
}

std::string reasons_of(const report& r)
{
    std::string text;
    for (const reason& why : r.reasons)
        text +=
            fmt::format("{}: {} [{}]\n", escaped(why.code), escaped(why.text), escaped(why.source));
    return text + escaped(command_of(r.plan)) + "\n";
}

std::string verdict_of(const report& r)
{
    std::string text(word(r.verdict));
    return r.end_state ? fmt::format("{} {}", text, word(*r.end_state)) : text;
}

std::string testcase(const report& r)
{
    std::string out = fmt::format(
        "  <testcase classname=\"finwait.{}\" name=\"{}\" time=\"{:.6f}\"",
        word(r.plan.at),
        escaped(fmt::format("{} {}", word(r.plan.by), variant_of(r.plan))),
        static_cast<double>(r.took_ns) / 1e9
    );
    const bool failed = is_finding(r) || is_escaped(r);
    const bool error = r.verdict == verdict::unverified;
    if (!failed && !error)
        return out + "/>\n";
    const std::string_view element = failed ? "failure" : "error";
    const std::string_view what = is_escaped(r) ? "a control was not caught: " : "";
    return out + fmt::format(
                     ">\n    <{0} message=\"{1}{2}\">{3}</{0}>\n  </testcase>\n",
                     element,
                     what,
                     verdict_of(r),
                     reasons_of(r)
                 );
}

std::string skipped(const not_run& cell)
{
    return fmt::format(
        "  <testcase classname=\"finwait.not_run\" name=\"{}\">\n"
        "    <skipped message=\"{} {}\"/>\n  </testcase>\n",
        escaped(cell.what),
        escaped(cell.reason),
        escaped(cell.cure)
    );
}

} // namespace

std::string junit(const audit& done)
{
    std::size_t failures = 0;
    std::size_t errors = 0;
    std::string cases;
    for (const report& r : done.reports) {
        failures += is_finding(r) || is_escaped(r) ? 1 : 0;
        errors += r.verdict == verdict::unverified ? 1 : 0;
        cases += testcase(r);
    }
    for (const not_run& cell : done.environment.not_run)
        cases += skipped(cell);
    return fmt::format(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<testsuite name=\"finwait\" id=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" "
        "skipped=\"{}\" time=\"{:.6f}\">\n{}</testsuite>\n",
        escaped(done.id),
        done.reports.size() + done.environment.not_run.size(),
        failures,
        errors,
        done.environment.not_run.size(),
        static_cast<double>(done.took_ns) / 1e9,
        cases
    );
}

} // namespace finwait::daemon
