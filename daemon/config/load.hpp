// Reads the configuration: /etc/finwait/finwait.toml and conf.d/*.toml beside it, TOML 1.0. Strict:
// nothing is overlooked and everything that is wrong is said at once, with its place. Blocking; for
// start and reload.
#pragma once

#include "daemon/config/configuration.hpp"
#include "daemon/config/places.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace finwait::daemon {

/// Where the configuration is when --config does not say so.
inline constexpr const char* default_config_file = "/etc/finwait/finwait.toml";

/// One thing that is wrong.
struct config_error
{
    std::string file;
    unsigned line = 0;   ///< from 1; 0: the file as a whole
    unsigned column = 0; ///< from 1
    std::string detail;  ///< key, what is wrong, and the nearest right word

    friend bool operator==(const config_error&, const config_error&) = default;
};

/// `FILE:LINE:COLUMN: DETAIL`.
std::string text_of(const config_error& what);

/// What to read, and what the command line says instead of it.
struct config_request
{
    /// Must be there when it is named. Not named: default_file, which may be absent.
    std::optional<std::filesystem::path> file;
    std::filesystem::path default_file = default_config_file;
    surroundings here;
    /// The service manager opened a Unix socket already: no default one is looked for.
    bool has_unix_socket = false;
    /// Of recipes, below those of the configuration; empty: recipe_directories().
    std::vector<std::filesystem::path> subject_directories;

    std::optional<endpoint> listen;                 ///< `--listen`
    std::optional<std::chrono::milliseconds> every; ///< `--every`, of the default audit
};

/// What came of it.
struct loaded_config
{
    configuration config;                     ///< only of use without errors
    std::vector<config_error> errors;         ///< in the order of files and lines
    std::vector<std::filesystem::path> files; ///< those that were read
};

/// Reads it all. Tables of later files (conf.d in the order of names) are merged key by key,
/// `[[targets]]` and `[[audits]]` by their names; other lists are replaced. The default audit is
/// there in any case: named `default`, first, every hour unless it is said otherwise.
loaded_config load(const config_request& wanted);

/// What of a new configuration needs a restart to become true: listeners and the place of the
/// history. Each a sentence's part, such as `serve.tcp`; empty: nothing. Pure.
std::vector<std::string> needs_restart(const configuration& running, const configuration& wanted);

} // namespace finwait::daemon
