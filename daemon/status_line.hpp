// The service in one line, for `systemctl status`.
#pragma once

#include "web/records.hpp"
#include "web/status.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace finwait::daemon {

/// What the line tells of.
struct line_facts
{
    const web::audit_record* running = nullptr; ///< null: none runs
    std::optional<last_audit> last;
    std::uint64_t open_findings = 0;
    std::optional<std::chrono::system_clock::time_point> next;
};

/// `last audit clean at 2026-01-31 12:00 UTC; no findings; next at …`. Pure.
std::string status_line(const line_facts& now);

/// When a ULID was made, to the millisecond; nullopt: it is none. Pure.
std::optional<std::chrono::system_clock::time_point> started_from_ulid(std::string_view id);

} // namespace finwait::daemon
