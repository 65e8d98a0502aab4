// Recipes: how other programs' clients are probed. A file each, in TOML; described in
// packaging/subjects/README.md. Only recipe.cpp and recipe_reader know TOML.
#pragma once

#include "daemon/recipe_version.hpp"
#include "probe/model/possible.hpp"
#include "probe/subject/client_order.hpp"
#include "web/json/json.hpp"

#include <array>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace finwait::daemon {

/// What kind of program it is.
enum class recipe_kind {
    driver,  ///< speaks the driver protocol and lives on
    oneshot, ///< a command that ends by itself
};

} // namespace finwait::daemon

template <>
struct finwait::words<finwait::daemon::recipe_kind>
{
    static constexpr std::string_view what = "kind";
    static constexpr std::array<std::string_view, 2> table{"driver", "oneshot"};
};

namespace finwait::daemon {

/// What a way of using a client is for.
enum class mode_use {
    matrix, ///< the right one, in which the matrix is run
    extra,  ///< another, run when it is asked for by name
    misuse, ///< a control: its one cell must come out leaked
};

/// One way of using a client.
struct recipe_mode
{
    std::string name;
    std::string about;
    mode_use use = mode_use::matrix;

    // The one cell of a misuse; of the others what its cells are confined to. Absent: as the
    // matrix has it.
    std::optional<kill_point> at;
    std::optional<kill_method> by;
    std::optional<unsigned> requests;
    std::optional<std::string> method;
    std::optional<body> request;
    std::optional<body> response;
    std::optional<signal_target> to;

    /// Its requests come one after the other, where others' are all in flight at once.
    bool sequential = false;
    std::vector<std::string> command; ///< instead of the recipe's; empty: the recipe's
};

/// One client.
struct recipe
{
    std::string name; ///< [a-z0-9_-]+, that of its file
    std::string about;
    std::filesystem::path here; ///< its directory: {here} in its commands
    recipe_kind kind = recipe_kind::oneshot;

    std::vector<std::string>
        version_command; ///< prints the client's version; fails when it is not there
    std::string install; ///< what to do when it is not there
    std::vector<version_bound> versions; ///< all must hold
    std::string version_text;            ///< these as the recipe has them

    std::vector<std::string> command;
    std::vector<std::pair<std::string, std::string>> variables;
    std::string hold;
    std::string release_hold;

    std::vector<framing> framings{framing::none}; ///< of its requests
    bool tls = false;
    std::vector<kill_method> kills;
    std::vector<kill_method> survives; ///< of these, those after which it lives on
    std::vector<kill_point> points;    ///< in order of life
    unsigned retries = 0;              ///< that it makes by itself
    unsigned requests = 1;
    std::chrono::milliseconds own_timeout{1'000};
    std::vector<std::chrono::milliseconds> settle = subject::client_order{}.settle;
    std::optional<unsigned> baseline; ///< connections left open by successes; absent: not known

    std::vector<recipe_mode> modes; ///< the right one first, then extra ones, then misuses
    const recipe_mode& right() const { return modes.front(); }
    /// nullptr: there is none of that name.
    const recipe_mode* mode(std::string_view name) const;
};

/// Reads a recipe. `file` is its path, for {here} and for complaints. Throws usage_error, as
/// `FILE:LINE:COLUMN: what is wrong, and the nearest right word`.
recipe parse_recipe(std::string_view text, const std::filesystem::path& file);

/// What to run for one cell: {here}, {mode} and {requests} replaced, the rest left to the worker.
/// Pure.
subject::client_order order_of(const recipe& from, const recipe_mode& mode, const plan& cell);

/// The cells of a recipe that are among the choices, each with its client and without an id. Pure.
///
/// The right mode gives the matrix: the recipe's points × its kills × its request framings, of that
/// what can be; over HTTP unless HTTPS is chosen. A misuse gives its one cell, a control.
/// `mode` empty: both; otherwise what that mode gives, of an extra one the matrix in this mode.
/// A plan's subject is the recipe's name, with `:` and the mode's name unless that is the right
/// one. Throws usage_error when a misuse's cell cannot be.
std::vector<json::plan_line>
cells_of(const recipe& from, const choices& chosen, std::string_view mode = {});

} // namespace finwait::daemon
