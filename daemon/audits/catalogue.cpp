#include "daemon/audits/catalogue.hpp"

#include "daemon/errors.hpp"
#include "daemon/recipe_shelf.hpp"
#include "probe/model/possible.hpp"

#include <algorithm>

namespace finwait::daemon {

namespace {

web::subject_record built_in_record()
{
    web::subject_record made;
    made.name = "beast";
    made.about = "the client of finwait itself, on Boost.Beast";
    made.kind = "built-in";
    made.version = FINWAIT_VERSION;
    made.is_present = true;
    for (const kill_point each : all_of<kill_point>())
        made.at.push_back(each);
    for (const kill_method each : all_of<kill_method>())
        if (each != kill_method::own)
            made.by.push_back(each);
    made.framings = {framing::none, framing::length, framing::chunked};
    made.tls = true;
    return made;
}

web::subject_record record_of(const recipe& from, const known_programs& known)
{
    web::subject_record made;
    made.name = from.name;
    made.about = from.about;
    made.kind = word(from.kind);
    made.install = from.install;
    for (const recipe_mode& each : from.modes)
        if (each.use != mode_use::matrix)
            made.modes.push_back(from.name + ":" + each.name);
    made.at = from.points;
    made.by = from.kills;
    made.framings = from.framings;
    made.tls = from.tls;
    if (const auto found = known.find(from.name); found != known.end()) {
        made.is_present = found->second.is_there;
        made.version = found->second.version;
        made.why_absent = found->second.reason;
    }
    return made;
}

std::string without_query(const std::string& url)
{
    const auto end = url.find_first_of("?#");
    return end == std::string::npos ? url : url.substr(0, end) + "?<redacted>";
}

web::audit_settings_record record_of(const audit_settings& from)
{
    return {
        .name = from.name,
        .at = from.at,
        .by = from.by,
        .subjects = from.subjects,
        .target = from.target,
        .tls = from.tls,
        .ipv6 = from.ipv6,
        .repeat = from.repeat,
        .every = from.every,
        .calendar = from.calendar};
}

template <class T>
std::optional<std::string> text_of(const std::optional<T>& what)
{
    if (!what)
        return std::nullopt;
    if constexpr (std::is_same_v<T, endpoint>)
        return to_string(*what);
    else
        return what->string();
}

} // namespace

std::vector<recipe> readable_recipes(const std::vector<std::filesystem::path>& directories)
{
    const recipe_shelf shelf(directories);
    std::vector<recipe> read;
    for (const std::string& name : shelf.names()) {
        try {
            read.push_back(shelf.load(name));
        } catch (const usage_error&) {
            // Said to whoever asks for it by its name.
        }
    }
    return read;
}

std::vector<web::subject_record>
subject_records(std::span<const recipe> recipes, const known_programs& known)
{
    std::vector<web::subject_record> records{built_in_record()};
    for (const recipe& each : recipes)
        records.push_back(record_of(each, known));
    return records;
}

std::vector<web::target_record> target_records(const configuration& how)
{
    std::vector<web::target_record> records{{.name = "origin", .url = {}, .allow = {}}};
    for (const target_settings& each : how.targets) {
        auto& made = records.emplace_back();
        made.name = each.name;
        made.url = without_query(each.url);
        made.tls = each.tls;
        if (each.allow_loopback)
            made.allow.emplace_back("loopback");
        if (each.allow_private)
            made.allow.emplace_back("private");
    }
    return records;
}

web::settings_record settings_of(const configuration& how)
{
    web::settings_record made;
    made.unix_path = text_of(how.serve.unix_path);
    made.tcp = text_of(how.serve.tcp);
    made.tcp_writes = how.serve.tcp_writes == tcp_writes::token ? "token" : "never";
    made.allowed_hosts = how.serve.allowed_hosts;
    made.history_path = text_of(how.history.path);
    made.keep_expected = how.history.keep_expected;
    made.keep_findings = how.history.keep_findings;
    made.history_max_bytes = how.history.max_bytes;
    made.workers = how.limits.workers;
    made.in_flight = how.limits.in_flight;
    made.queue = how.limits.queue;
    made.audit_queue = how.limits.audit_queue;
    made.per_target_interval = how.limits.per_target_interval;
    for (const auto& each : how.subject_directories)
        made.subject_directories.push_back(each.string());
    made.targets = target_records(how);
    for (const audit_settings& each : how.audits)
        made.audits.push_back(record_of(each));
    made.warnings = how.warnings;
    return made;
}

} // namespace finwait::daemon
