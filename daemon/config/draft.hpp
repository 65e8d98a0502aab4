// A configuration while it is put together out of files; only for the sources beside it.
#pragma once

#include "daemon/config/section.hpp"
#include "daemon/recipe_shelf.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace finwait::daemon {

/// What came of the files so far. Every reader below adds what a table of one more file says.
struct config_draft
{
    configuration config;
    config_findings findings;
    /// Where each thing was last said that is looked at again when all is read: `audits.NAME`,
    /// `audits.NAME.target`, `history.path`, ….
    std::map<std::string, config_place, std::less<>> places;
    /// `audits.NAME` and `targets.NAME` of which a table has a mistake: what they are is not known,
    /// so nothing more is said of them.
    std::set<std::string, std::less<>> unclear;
    bool is_unix_set = false;
    bool is_tcp_set = false;
    bool is_history_set = false;

    config_place place_of(std::string_view what) const
    {
        const auto found = places.find(what);
        return found != places.end() ? found->second : config_place{};
    }
};

/// Reads all of one file.
void read_file(const toml::table& from, std::size_t file, config_draft& out);

// Its tables, each in a source of its own.
void read_serve(section& in, config_draft& out);
void read_history(section& in, config_draft& out);
void read_limits(section& in, config_draft& out);
void read_subjects(section& in, config_draft& out);
void read_target(section& in, config_draft& out);
void read_audit(section& in, config_draft& out);

/// Whether it may be the name of a target or an audit: [a-z0-9_-]{1,40}.
bool is_config_name(std::string_view text);

/// What only all files together show of targets: a URL that is missing, an address that is not
/// allowed.
void check_targets(config_draft& out);

/// Likewise of audits: targets that are not there, cells that cannot be, or too many. Of each audit
/// by itself, whatever is wrong elsewhere.
void check_audits(config_draft& out, const recipe_shelf& shelf);

} // namespace finwait::daemon
