#include "daemon/config/places.hpp"

#include <cstdlib>
#include <string_view>
#include <system_error>

#include <sys/un.h>
#include <unistd.h>

namespace finwait::daemon {

namespace fs = std::filesystem;

namespace {

constexpr const char* socket_name = "api.sock";
constexpr const char* history_name = "history.db";

// XDG Base Directory Specification: "paths must be absolute"; others are as good as unset.
std::optional<fs::path> directory_in(const char* variable)
{
    const char* const value = std::getenv(variable);
    if (value == nullptr)
        return std::nullopt;
    const std::string_view all(value);
    const fs::path first(all.substr(0, all.find(':')));
    return first.is_absolute() ? std::optional(first) : std::nullopt;
}

bool is_writable(const fs::path& directory)
{
    std::error_code ignored; // no such directory: not writable
    return fs::is_directory(directory, ignored) && ::access(directory.c_str(), W_OK | X_OK) == 0;
}

// Whether the directory can be written to, or be made.
bool can_have(fs::path directory)
{
    std::error_code ignored;
    while (!fs::exists(directory, ignored) && directory.has_relative_path())
        directory = directory.parent_path();
    return is_writable(directory);
}

bool fits_a_socket(const fs::path& path)
{
    return path.native().size() < sizeof(sockaddr_un::sun_path);
}

} // namespace

surroundings surroundings_of_process()
{
    return {
        .runtime_directory = directory_in("RUNTIME_DIRECTORY"),
        .state_directory = directory_in("STATE_DIRECTORY"),
        .xdg_runtime_dir = directory_in("XDG_RUNTIME_DIR"),
        .xdg_state_home = directory_in("XDG_STATE_HOME"),
        .home = directory_in("HOME")};
}

default_place default_socket(const surroundings& here)
{
    if (here.runtime_directory && is_writable(*here.runtime_directory))
        return {.path = *here.runtime_directory / socket_name, .why_not = {}};
    if (is_writable(here.system_runtime))
        return {.path = here.system_runtime / socket_name, .why_not = {}};
    if (here.xdg_runtime_dir) {
        const fs::path own = *here.xdg_runtime_dir / "finwait";
        if (can_have(own) && fits_a_socket(own / socket_name))
            return {.path = own / socket_name, .why_not = {}};
    }
    return {
        .path = {},
        .why_not = "no Unix socket: neither " + here.system_runtime.string() +
                   " nor a directory in $XDG_RUNTIME_DIR can be written to; set serve.unix"};
}

default_place default_history(const surroundings& here)
{
    const auto directory = state_directory(here);
    if (directory && can_have(*directory))
        return {.path = *directory / history_name, .why_not = {}};
    return {
        .path = {},
        .why_not = "the history is in memory only: " +
                   (directory ? directory->string() + " cannot be written to"
                              : std::string("there is neither $XDG_STATE_HOME nor $HOME")) +
                   "; set history.path"};
}

std::optional<fs::path> state_directory(const surroundings& here)
{
    if (here.state_directory)
        return here.state_directory;
    if (here.xdg_state_home)
        return *here.xdg_state_home / "finwait";
    if (here.home)
        return *here.home / ".local" / "state" / "finwait";
    return std::nullopt;
}

std::optional<fs::path> socket_to_ask(const surroundings& here)
{
    std::error_code ignored; // not there, or not ours to see
    if (const auto path = here.system_runtime / socket_name; fs::is_socket(path, ignored))
        return path;
    if (!here.xdg_runtime_dir)
        return std::nullopt;
    const auto path = *here.xdg_runtime_dir / "finwait" / socket_name;
    return fs::is_socket(path, ignored) ? std::optional(path) : std::nullopt;
}

} // namespace finwait::daemon
