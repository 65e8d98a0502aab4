// What only all files together show of the targets: `url`, `allow` and `tls` may stand in different
// ones.
#include "daemon/config/bounds.hpp"
#include "daemon/config/draft.hpp"
#include "probe/client/trust.hpp"
#include "probe/target.hpp"
#include "web/json/nearest.hpp"

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

void check_tls(const target_settings& of, const std::string& key, config_draft& out)
{
    if (!of.tls)
        return;
    if (!is_https(of.url))
        out.findings.add(
            out.place_of(key + ".tls"), key + ".tls is for an https URL; the target's says http"
        );
    if (of.tls->ca.empty())
        return;
    if (const auto read = client::read_certificates(of.tls->ca); !read)
        out.findings.add(
            out.place_of(key + ".tls.ca"),
            fmt::format(
                "{}.tls.ca has {}, which cannot be used: {}",
                key,
                in_quotes(of.tls->ca),
                read.error().message()
            )
        );
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
        check_tls(each, key, out);
    }
}

} // namespace finwait::daemon
