// Versions of programs, as they print them. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace finwait::daemon {

/// Numbers between dots. A missing one counts as 0, so that 2 is 2.0.
using version = std::vector<unsigned>;

/// The first numbers with a dot between them in a text, or else its first number:
/// `curl 7.88.1 (x86_64)`, `v18.20.4`, `GNU Wget 1.21.3`. What follows them (`rc1`, `-2+deb12u4`)
/// counts for nothing. nullopt: there is none.
std::optional<version> version_in(std::string_view text);

enum class version_relation { at_least, above, below, at_most, equal };

struct version_bound
{
    version_relation relation = version_relation::at_least;
    version limit;

    friend bool operator==(const version_bound&, const version_bound&) = default;
};

/// `>=2.0, <3`. nullopt: something else.
std::optional<std::vector<version_bound>> parse_version_bounds(std::string_view text);

/// Whether all bounds hold.
bool is_within(const version& what, std::span<const version_bound> bounds);

} // namespace finwait::daemon
