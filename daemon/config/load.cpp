#include "daemon/config/load.hpp"

#include "daemon/config/draft.hpp"
#include "daemon/file_content.hpp"
#include "daemon/printable.hpp"
#include "web/json/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <system_error>
#include <utility>

namespace finwait::daemon {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t largest_file = 1024 * 1024;
constexpr std::size_t most_drop_ins = 100;
constexpr std::size_t most_tables = 50;
constexpr std::int64_t format_version = 1;
constexpr std::uint16_t default_port = 9793;

// The reading of one place: which files, and what came of them.
struct reading
{
    std::vector<fs::path> files;
    config_draft draft;

    void refuse(const fs::path& file, std::string detail)
    {
        files.push_back(file);
        draft.findings.add({.file = files.size() - 1}, std::move(detail));
    }
};

// nullopt: it could not be read, which is noted.
std::optional<std::string> text_of(const fs::path& file, reading& to)
{
    auto [text, why_not] = content_of(file, largest_file + 1);
    if (!text) {
        to.refuse(file, "cannot be read: " + why_not);
        return std::nullopt;
    }
    if (text->size() > largest_file) {
        to.refuse(file, fmt::format("is larger than {} KiB", largest_file / 1024));
        return std::nullopt;
    }
    return std::move(text);
}

void read(const fs::path& file, reading& to)
{
    const auto text = text_of(file, to);
    if (!text)
        return;
    to.files.push_back(file);
    const std::size_t index = to.files.size() - 1;
    try {
        read_file(toml::parse(std::string_view(*text), file.string()), index, to.draft);
    } catch (const toml::parse_error& error) {
        const auto at = error.source().begin;
        to.draft.findings.add({index, at.line, at.column}, printable(error.description()));
    }
}

// Directories, FIFOs, devices; not what cannot be looked at, which reading it will tell of.
bool is_of_another_kind(const fs::directory_entry& entry)
{
    std::error_code failed;
    const auto status = entry.status(failed);
    return !failed && fs::exists(status) && !fs::is_regular_file(status);
}

// In the order of names. Hidden ones and those of other kinds are left alone, as systemd does.
std::vector<fs::path> drop_ins_of(const fs::path& file, reading& to)
{
    const fs::path directory = file.parent_path() / "conf.d";
    std::vector<fs::path> out;
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(directory, failed))
        if (entry.path().extension() == ".toml" &&
            !entry.path().filename().string().starts_with('.') && !is_of_another_kind(entry))
            out.push_back(entry.path());
    if (failed && failed != std::errc::no_such_file_or_directory)
        to.refuse(directory, fmt::format("cannot be read: {}", failed.message()));
    if (out.size() > most_drop_ins) {
        to.refuse(directory, fmt::format("has more than {} files", most_drop_ins));
        out.clear();
    }
    std::sort(out.begin(), out.end());
    return out;
}

reading read_all(const config_request& wanted)
{
    reading out;
    out.draft.config.audits = {{.name = "default", .every = std::chrono::hours(1)}};
    const fs::path file = wanted.file.value_or(wanted.default_file);
    std::error_code failed;
    const bool is_absent =
        !fs::exists(file, failed) && (!failed || failed == std::errc::no_such_file_or_directory);
    if (wanted.file || !is_absent)
        read(file, out);
    for (const fs::path& each : drop_ins_of(file, out))
        read(each, out);
    return out;
}

void add_places(const config_request& wanted, config_draft& to)
{
    configuration& config = to.config;
    if (!to.is_unix_set && !wanted.has_unix_socket) {
        auto place = default_socket(wanted.here);
        config.serve.unix_path = std::move(place.path);
        if (!config.serve.unix_path)
            config.warnings.push_back(std::move(place.why_not));
    }
    if (!to.is_tcp_set)
        config.serve.tcp = loopback(address_family::ipv4, default_port);
    if (!to.is_history_set) {
        auto place = default_history(wanted.here);
        config.history.path = std::move(place.path);
        if (!config.history.path)
            config.warnings.push_back(std::move(place.why_not));
    }
}

// A relative path belongs into the state directory.
void complete_history(const config_request& wanted, config_draft& to)
{
    auto& path = to.config.history.path;
    if (!path || path->is_absolute())
        return;
    const auto directory = state_directory(wanted.here);
    if (directory)
        path = *directory / *path;
    else
        to.findings.add(
            to.place_of("history.path"),
            "history.path is relative, and there is no state directory ($STATE_DIRECTORY, "
            "$XDG_STATE_HOME, $HOME); write an absolute path"
        );
}

void check_history(config_draft& to)
{
    if (to.config.history.keep_findings < to.config.history.keep_expected)
        to.findings.add(
            to.place_of("history.keep"),
            "history.keep has findings go before clean results; `finding` must not be shorter than "
            "`expected`"
        );
}

void check_numbers(config_draft& to)
{
    const auto check = [&](const auto& list, std::string_view what) {
        if (list.size() > most_tables)
            to.findings.add(
                to.place_of(fmt::format("{}.{}", what, list[most_tables].name)),
                fmt::format("there can be at most {} {}", most_tables, what)
            );
    };
    check(to.config.targets, "targets");
    check(to.config.audits, "audits");
}

// The program's own first, which need not be there; of the configuration's, each has to be.
void complete_directories(const config_request& wanted, config_draft& to)
{
    auto& chosen = to.config.subject_directories;
    auto all =
        wanted.subject_directories.empty() ? recipe_directories() : wanted.subject_directories;
    for (std::size_t i = 0; i < chosen.size(); ++i) {
        std::error_code failed;
        const auto own = std::find(all.begin(), all.end(), chosen[i]);
        if (own == all.end() && chosen[i].is_absolute() && !fs::is_directory(chosen[i], failed))
            to.findings.add(
                to.place_of(fmt::format("subjects.directories.{}", i)),
                fmt::format(
                    "subjects.directories has {}, which is no directory that can be read",
                    in_quotes(chosen[i].string())
                )
            );
        if (own != all.end())
            all.erase(own);
        all.push_back(chosen[i]);
    }
    chosen = std::move(all);
}

void take_overrides(const config_request& wanted, configuration& config)
{
    if (wanted.listen)
        config.serve.tcp = wanted.listen;
    if (wanted.every) {
        config.audits.front().every = wanted.every;
        config.audits.front().calendar.reset();
    }
}

// The tables of a list, none of a name that the same file had already.
template <class Read>
void read_list(
    section& in, std::string_view key, std::size_t file, config_draft& out, const Read& read_one
)
{
    std::set<std::string, std::less<>> seen;
    for (const toml::table* const each : in.tables(key)) {
        const auto name = (*each)["name"].value_or(std::string());
        const std::string shown =
            is_config_name(name) ? fmt::format("{}.{}", key, name) : std::string(key);
        const auto before = out.findings.size();
        section one(*each, shown, place_of(*each, file), out.findings);
        if (is_config_name(name) && !seen.insert(name).second)
            one.refuse("name", "is there twice in this file; only another file can change it");
        read_one(one, out);
        if (out.findings.size() != before)
            out.unclear.insert(shown);
    }
}

template <class Read>
void read_table(section& in, std::string_view key, config_draft& out, const Read& read_one)
{
    if (const toml::table* const found = in.table(key)) {
        section one(*found, std::string(key), in.place_of(key), out.findings);
        read_one(one, out);
    }
}

void read_version(section& in, const toml::table& from)
{
    const auto* const version = from["version"].as_integer();
    if (version == nullptr || version->get() != format_version)
        in.refuse(
            "version", fmt::format("must be {}, the format that this finwait reads", format_version)
        );
}

} // namespace

void read_file(const toml::table& from, std::size_t file, config_draft& out)
{
    section in(from, {}, {file, 1, 1}, out.findings);
    if (in.asked("version"))
        read_version(in, from);
    read_table(in, "serve", out, read_serve);
    read_table(in, "history", out, read_history);
    read_table(in, "limits", out, read_limits);
    read_table(in, "subjects", out, read_subjects);
    read_list(in, "targets", file, out, read_target);
    read_list(in, "audits", file, out, read_audit);
    in.finish();
}

std::string text_of(const config_error& what)
{
    if (what.line == 0)
        return fmt::format("{}: {}", what.file, what.detail);
    return fmt::format("{}:{}:{}: {}", what.file, what.line, what.column, what.detail);
}

loaded_config load(const config_request& wanted)
{
    reading all = read_all(wanted);
    config_draft& draft = all.draft;
    add_places(wanted, draft);
    complete_history(wanted, draft);
    check_history(draft);
    check_targets(draft);
    check_numbers(draft);
    complete_directories(wanted, draft);
    check_audits(draft, recipe_shelf(draft.config.subject_directories));
    take_overrides(wanted, draft.config);
    auto errors = draft.findings.sorted(all.files);
    return {std::move(draft.config), std::move(errors), std::move(all.files)};
}

std::vector<std::string> needs_restart(const configuration& running, const configuration& wanted)
{
    std::vector<std::string> out;
    // Of two that nobody named, one may have turned out to be unusable.
    const auto is_named = [](named_by who) {
        return who == named_by::configuration;
    };
    const bool is_unix_named =
        is_named(running.serve.unix_named_by) || is_named(wanted.serve.unix_named_by);
    if (is_unix_named && running.serve.unix_path != wanted.serve.unix_path)
        out.emplace_back("serve.unix");
    if (running.serve.tcp != wanted.serve.tcp)
        out.emplace_back("serve.tcp");
    if (running.serve.tcp_writes != wanted.serve.tcp_writes)
        out.emplace_back("serve.tcp_writes");
    if (running.serve.allowed_hosts != wanted.serve.allowed_hosts)
        out.emplace_back("serve.allowed_hosts");
    const bool is_history_named =
        is_named(running.history.path_named_by) || is_named(wanted.history.path_named_by);
    if (is_history_named && running.history.path != wanted.history.path)
        out.emplace_back("history.path");
    return out;
}

} // namespace finwait::daemon
