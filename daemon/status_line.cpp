#include "daemon/status_line.hpp"

#include "probe/ulid.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace finwait::daemon {

namespace {

std::string minute_text(std::chrono::system_clock::time_point when)
{
    return fmt::format("{:%Y-%m-%d %H:%M} UTC", std::chrono::floor<std::chrono::seconds>(when));
}

} // namespace

std::string status_line(const line_facts& now)
{
    std::string text;
    if (now.running != nullptr)
        text += fmt::format(
            "audit {}: {} of {} cells; ", now.running->name, now.running->done, now.running->planned
        );
    if (now.last)
        text +=
            fmt::format("last audit {} at {}", word(now.last->outcome), minute_text(now.last->at));
    else
        text += "no audit has ended yet";
    if (now.open_findings == 0)
        text += "; no findings";
    else
        text += fmt::format(
            "; {} {}", now.open_findings, now.open_findings == 1 ? "finding" : "findings"
        );
    if (now.next)
        text += fmt::format("; next at {}", minute_text(*now.next));
    return text;
}

std::optional<std::chrono::system_clock::time_point> started_from_ulid(std::string_view id)
{
    constexpr std::string_view digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    constexpr std::size_t time_digits = 10; // 48 bits and two that are zero
    if (!is_ulid(id))
        return std::nullopt;
    std::int64_t ms = 0;
    for (const char each : id.substr(0, time_digits))
        ms = ms * 32 + static_cast<std::int64_t>(digits.find(each));
    return std::chrono::system_clock::time_point(std::chrono::milliseconds(ms));
}

} // namespace finwait::daemon
