// What only all files together show of the targets: `url` and `allow` may stand in different ones.
#include "daemon/config/bounds.hpp"
#include "daemon/config/draft.hpp"

#include <fmt/format.h>

namespace finwait::daemon {

namespace {

// A word of `allow`, where one would do.
std::string cure_of(address_class what)
{
    if (what == address_class::loopback || what == address_class::private_network)
        return fmt::format("if that is meant, set allow = [\"{}\"]", word(what));
    return "no target may, whatever it allows; write the address of a server";
}

} // namespace

void check_targets(config_draft& out)
{
    for (const target_settings& each : out.config.targets) {
        const std::string key = "targets." + each.name;
        if (each.url.empty()) {
            out.findings.add(out.place_of(key), key + ".url is missing");
            out.unclear.insert(key);
        }
        if (out.unclear.contains(key))
            continue;
        if (const auto wrong = forbidden_address_of(each))
            out.findings.add(
                out.place_of(key + ".url"),
                fmt::format("{}.url {}; {}", key, wrong->text(), cure_of(wrong->what))
            );
    }
}

} // namespace finwait::daemon
