// What only all files together show of the audits.
#include "daemon/config/bounds.hpp"
#include "daemon/config/draft.hpp"
#include "daemon/errors.hpp"
#include "daemon/subjects.hpp"
#include "web/json/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>
#include <string_view>

namespace finwait::daemon {

namespace {

std::string_view without_option(std::string_view message)
{
    static constexpr std::string_view option = "--subject: ";
    return message.starts_with(option) ? message.substr(option.size()) : message;
}

const target_settings* target_named(const configuration& all, std::string_view name)
{
    const auto found = std::find_if(all.targets.begin(), all.targets.end(), [&](const auto& each) {
        return each.name == name;
    });
    return found == all.targets.end() ? nullptr : &*found;
}

bool check_target(const audit_settings& of, config_draft& out)
{
    if (of.target == "origin" || target_named(out.config, of.target) != nullptr)
        return true;
    std::vector<std::string_view> right{"origin"};
    for (const target_settings& each : out.config.targets)
        right.push_back(each.name);
    out.findings.add(
        out.place_of(fmt::format("audits.{}.target", of.name)),
        fmt::format(
            "audits.{}.target has no target {}; {}",
            of.name,
            in_quotes(of.target),
            suggestion(of.target, right)
        )
    );
    return false;
}

// Programs are looked for when an audit starts, not here: one may be installed later.
std::vector<presence> all_are_here(std::span<const recipe> wanted)
{
    return std::vector<presence>(wanted.size(), presence{.is_there = true});
}

// What makes it too many: `repeat` where it is said, else the audit as a whole.
void check_number(const audit_settings& of, std::size_t cells, config_draft& out)
{
    const auto why = why_too_many(cells, of.repeat);
    if (!why)
        return;
    const std::string key = "audits." + of.name;
    const std::string cure = cells > most_cells
                                 ? std::string("choose fewer")
                                 : fmt::format("at most {} times can be", most_cells / cells);
    const bool is_said = out.places.contains(key + ".repeat");
    out.findings.add(
        out.place_of(is_said ? key + ".repeat" : key),
        fmt::format("{}{}: {}; {}", key, is_said ? ".repeat" : "", *why, cure)
    );
}

// Asks the one that plans audits, so that what is accepted here can be planned.
void check_cells(const audit_settings& of, config_draft& out, const recipe_shelf& shelf)
{
    plan_arguments words{.at = of.at, .by = of.by, .subject = of.subjects};
    words.tls = of.tls;
    words.ipv6 = of.ipv6;
    if (const auto* const target = target_named(out.config, of.target))
        words.target = target->url;
    try {
        check_number(of, choose_cells(words, shelf, all_are_here).cells.size(), out);
    } catch (const usage_error& error) {
        out.findings.add(
            out.place_of("audits." + of.name),
            fmt::format("audits.{}: {}", of.name, without_option(error.what()))
        );
    }
}

// Each by itself, for the place of each mistake.
bool check_subjects(const audit_settings& of, config_draft& out, const recipe_shelf& shelf)
{
    const auto before = out.findings.size();
    for (std::size_t i = 0; i < of.subjects.size(); ++i) {
        const std::string& text = of.subjects[i];
        if (text == "beast" || text == "all")
            continue;
        const auto where = out.place_of(fmt::format("audits.{}.subjects.{}", of.name, i));
        try {
            const auto colon = text.find(':');
            const recipe read = shelf.load(text.substr(0, colon));
            const std::string mode = colon == std::string::npos ? "" : text.substr(colon + 1);
            if (colon == std::string::npos || read.mode(mode) != nullptr)
                continue;
            std::vector<std::string_view> right;
            for (const recipe_mode& each : read.modes)
                right.push_back(each.name);
            out.findings.add(
                where,
                fmt::format(
                    "audits.{}.subjects: {} has no mode {}; {}",
                    of.name,
                    read.name,
                    in_quotes(mode),
                    suggestion(mode, right)
                )
            );
        } catch (const usage_error& error) {
            out.findings.add(
                where, fmt::format("audits.{}.subjects: {}", of.name, without_option(error.what()))
            );
        }
    }
    return out.findings.size() == before;
}

void check_audit(const audit_settings& of, config_draft& out, const recipe_shelf& shelf)
{
    const bool is_target = check_target(of, out);
    const bool are_subjects = check_subjects(of, out, shelf);
    const bool is_clear =
        !out.unclear.contains("audits." + of.name) && !out.unclear.contains("targets." + of.target);
    if (is_target && are_subjects && is_clear)
        check_cells(of, out, shelf);
}

} // namespace

void check_audits(config_draft& out, const recipe_shelf& shelf)
{
    for (const audit_settings& each : out.config.audits)
        check_audit(each, out, shelf);
}

} // namespace finwait::daemon
