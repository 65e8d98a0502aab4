#include "daemon/recipe.hpp"

#include "daemon/errors.hpp"
#include "daemon/recipe_reader.hpp"
#include "web/json/client_limits.hpp"

#include <algorithm>

namespace finwait::daemon {

namespace {

constexpr std::string_view version_help =
    "is no range of versions; write \">=2.0\" or \">=2.0, <3\"";

// What an origin can hold any client at, without the client's help.
const std::vector<kill_point> points_of_any_client{
    kill_point::connect,
    kill_point::connected,
    kill_point::request_body,
    kill_point::await_response,
    kill_point::response_headers,
    kill_point::response_body,
    kill_point::idle,
    kill_point::idle_peer_closed};

constexpr std::array<std::string_view, 2> reserved_names{"beast", "all"};

bool is_name(std::string_view text)
{
    return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
}

template <class T>
void tidy(std::vector<T>& list)
{
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
}

void read_names(table_reader& in, recipe& out)
{
    in.need("name", out.name);
    in.need("about", out.about);
    in.need("kind", out.kind);
    in.need("requires", out.version_command);
    in.need("install", out.install);
    if (in.may("version", out.version_text)) {
        auto bounds = parse_version_bounds(out.version_text);
        if (!bounds)
            refuse(in.place_of("version"), version_help);
        out.versions = std::move(*bounds);
    }
}

void read_command(table_reader& in, recipe& out)
{
    in.need("command", out.command);
    in.may("env", out.variables);
    in.may("hold", out.hold);
    in.may("release_hold", out.release_hold);
}

void read_abilities(table_reader& in, recipe& out)
{
    in.may("framings", out.framings);
    in.may("tls", out.tls);
    in.need("kills", out.kills);
    in.may("survives", out.survives);
    if (!in.may("points", out.points))
        out.points = points_of_any_client;
    in.may("retries", out.retries);
    in.may("requests", out.requests);
    in.may("timeout_ms", out.own_timeout);
    in.may("settle_ms", out.settle);
    in.may("baseline", out.baseline);
    tidy(out.framings);
    tidy(out.kills);
    tidy(out.points);
}

mode_use use_of(table_reader& in)
{
    bool is_extra = false;
    bool is_misuse = false;
    in.may("extra", is_extra);
    in.may("misuse", is_misuse);
    if (is_extra && is_misuse)
        refuse(in.place_of("extra"), "cannot be said of a misuse, which is run in any case");
    return is_misuse ? mode_use::misuse : is_extra ? mode_use::extra : mode_use::matrix;
}

recipe_mode read_mode(const toml::table& from, const toml_place& where, std::string name)
{
    recipe_mode out{.name = std::move(name)};
    table_reader in(from, where);
    in.need("about", out.about);
    out.use = use_of(in);
    in.may("at", out.at);
    in.may("by", out.by);
    in.may("requests", out.requests);
    in.may("method", out.method);
    in.may("request", out.request);
    in.may("response", out.response);
    in.may("to", out.to);
    in.may("sequential", out.sequential);
    in.may("command", out.command);
    in.finish();
    if (out.requests == 0U)
        refuse(in.place_of("requests"), "must be at least 1");
    if (out.use == mode_use::misuse && (!out.at || !out.by))
        refuse(where, "is a misuse: it needs the cell it is run at, `at` and `by`");
    return out;
}

void read_modes(table_reader& in, recipe& out, const std::string& file)
{
    const toml::table* const table = in.table("modes");
    if (table == nullptr) {
        out.modes.push_back({.name = "default", .about = out.about});
        return;
    }
    std::string rights;
    for (const auto& [key, each] : *table) {
        const std::string name(key.str());
        const toml_place where{file, "modes." + name, key.source().begin};
        if (!is_name(name))
            refuse(where, "is no name of a mode: lower case letters, digits, _ and -");
        if (!each.is_table())
            refuse(where, "must be a table");
        out.modes.push_back(read_mode(*each.as_table(), where, name));
        if (out.modes.back().use == mode_use::matrix)
            rights += (rights.empty() ? "" : ", ") + name;
    }
    std::stable_sort(out.modes.begin(), out.modes.end(), [](const auto& a, const auto& b) {
        return a.use < b.use;
    });
    if (rights.empty() || rights.find(',') != std::string::npos)
        refuse(
            in.place_of("modes"),
            fmt::format(
                "must have exactly one mode that is neither `extra` nor `misuse`, and has {}",
                rights.empty() ? "none" : rights
            )
        );
}

void check_lists(const table_reader& in, const recipe& out)
{
    if (!is_name(out.name))
        refuse(in.place_of("name"), "must be lower case letters, digits, _ and -");
    if (std::find(reserved_names.begin(), reserved_names.end(), out.name) != reserved_names.end())
        refuse(in.place_of("name"), "is a name that finwait has given already");
    if (out.version_command.empty() || out.version_command.front().empty())
        refuse(in.place_of("requires"), "must be a program and its arguments");
    if (out.kills.empty())
        refuse(in.place_of("kills"), "must have at least one kill method");
    if (out.points.empty())
        refuse(in.place_of("points"), "must have at least one kill point");
    if (out.framings.empty() || out.framings.back() == framing::until_close)
        refuse(in.place_of("framings"), "must be of none, length and chunked");
    if (out.requests == 0)
        refuse(in.place_of("requests"), "must be at least 1");
    for (const kill_method each : out.survives)
        if (std::find(out.kills.begin(), out.kills.end(), each) == out.kills.end())
            refuse(
                in.place_of("survives"),
                fmt::format("has {}, which is not among the kills", word(each))
            );
    for (const kill_method each : out.kills)
        if (family_of(each) == kill_family::client || each == kill_method::exit)
            refuse(
                in.place_of("kills"),
                fmt::format(
                    "has {}, which only the built-in client can do to itself; own would do",
                    word(each)
                )
            );
}

// The order's members and the recipe's keys have the same names, but for these.
std::string_view key_of(std::string_view field)
{
    if (field == "own_timeout_ms")
        return "timeout_ms";
    return field.substr(0, field.find_first_of(".["));
}

void check_orders(const table_reader& in, const recipe& out)
{
    for (const recipe_mode& mode : out.modes)
        if (const auto wrong = json::why_refused(order_of(out, mode, plan{})))
            refuse(in.place_of(key_of(wrong->field)), wrong->detail);
}

} // namespace

const recipe_mode* recipe::mode(std::string_view wanted) const
{
    const auto found = std::find_if(modes.begin(), modes.end(), [&](const recipe_mode& each) {
        return each.name == wanted;
    });
    return found == modes.end() ? nullptr : &*found;
}

recipe parse_recipe(std::string_view text, const std::filesystem::path& file)
{
    const std::string path = file.string();
    toml::table table;
    try {
        table = toml::parse(text, path);
    } catch (const toml::parse_error& error) {
        refuse({path, {}, error.source().begin}, error.description());
    }
    recipe out;
    out.here = file.parent_path();
    table_reader in(table, {path, {}, {1, 1}});
    read_names(in, out);
    read_command(in, out);
    read_abilities(in, out);
    read_modes(in, out, path);
    in.finish();
    check_lists(in, out);
    check_orders(in, out);
    return out;
}

} // namespace finwait::daemon
