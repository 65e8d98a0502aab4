// Where things are when nobody says where: by systemd's directories, else by those of the XDG Base
// Directory Specification.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace finwait::daemon {

/// What the process was told of its surroundings. Absent: unset, empty or no absolute path.
struct surroundings
{
    std::optional<std::filesystem::path> runtime_directory; ///< $RUNTIME_DIRECTORY
    std::optional<std::filesystem::path> state_directory;   ///< $STATE_DIRECTORY
    std::optional<std::filesystem::path> xdg_runtime_dir;   ///< $XDG_RUNTIME_DIR
    std::optional<std::filesystem::path> xdg_state_home;    ///< $XDG_STATE_HOME
    std::optional<std::filesystem::path> home;              ///< $HOME
    std::filesystem::path system_runtime = "/run/finwait";  ///< used when it can be written to
};

/// Those of this process. Of a list of directories (systemd.exec(5), RuntimeDirectory=) the first.
surroundings surroundings_of_process();

/// A place, or why there is none.
struct default_place
{
    std::optional<std::filesystem::path> path;
    std::string why_not; ///< when there is none
};

/// Where the daemon's socket is by default: api.sock in systemd's runtime directory, in
/// /run/finwait when that can be written to, or in $XDG_RUNTIME_DIR/finwait. Makes nothing.
default_place default_socket(const surroundings& here);

/// Where the history is by default: history.db in systemd's state directory or in
/// $XDG_STATE_HOME/finwait (~/.local/state/finwait). Makes nothing.
default_place default_history(const surroundings& here);

/// The state directory alone, to which relative paths of the configuration belong.
std::optional<std::filesystem::path> state_directory(const surroundings& here);

/// The socket of a daemon that is to be asked: the first of /run/finwait/api.sock and
/// $XDG_RUNTIME_DIR/finwait/api.sock that is there. nullopt: none.
std::optional<std::filesystem::path> socket_to_ask(const surroundings& here);

} // namespace finwait::daemon
