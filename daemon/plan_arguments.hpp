// What the command line says of plans, before and after it is understood. Pure.
#pragma once

#include "probe/model/possible.hpp"

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace finwait::daemon {

/// The words as they were typed. An empty list and an absent word: not chosen.
struct plan_arguments
{
    std::vector<std::string> at;
    std::vector<std::string> by;
    std::vector<std::string> subject;
    std::optional<std::string> request;
    std::optional<std::string> response;
    std::optional<std::string> method;
    std::optional<std::string> target;
    std::optional<std::string> ca; ///< a path, as it was typed
    std::optional<std::string> tls_min;
    /// Of a target of the configuration, in place of the two words.
    std::optional<tls_settings> target_tls{};
    std::optional<std::string> position;
    std::optional<std::string> after;
    std::optional<std::string> to;
    bool tls = false;
    bool ipv6 = false;
    bool unread = false;
    bool blocked = false;
};

/// `none`, `length:64k`, `chunked:0`. Throws usage_error naming `option`.
body parse_body(std::string_view option, std::string_view text);

/// What was chosen, but for the subjects: points and methods are absent where none was named.
/// Throws usage_error: an unknown word, with the nearest right one.
choices understood(const plan_arguments& words);

/// The one plan of `probe`: the one kill point and the one method, completed(), of that subject,
/// whatever `words` says of subjects.
/// Throws usage_error: an unknown word, with the nearest right one; a plan that cannot be, with
/// the reason.
plan one_plan(
    const plan_arguments& words, const std::string& subject = "beast", unsigned requests = 1
);

/// The built-in client's plans of `audit`: all that can be of what was chosen, the default matrix
/// of what was not. Throws usage_error: an unknown word; nothing of what was chosen can be, with
/// the first reason.
std::vector<plan> all_plans(const plan_arguments& words);

/// The words that were chosen by name, of those that an environment may not be able to do.
std::set<std::string, std::less<>> chosen_by_name(const plan_arguments& words);

} // namespace finwait::daemon
