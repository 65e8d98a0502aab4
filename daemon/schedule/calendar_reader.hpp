// Reads calendar expressions; only for calendar.cpp.
#pragma once

#include "daemon/schedule/calendar.hpp"

#include <string>
#include <string_view>
#include <variant>

namespace finwait::daemon {

/// The fields of an expression, or a sentence that says what is wrong with it. Pure.
std::variant<calendar::fields, std::string> read_calendar(std::string_view text);

} // namespace finwait::daemon
