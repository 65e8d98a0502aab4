// [serve], [history], [limits] and [subjects].
#include "daemon/config/draft.hpp"
#include "probe/model/endpoint.hpp"
#include "web/json/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <system_error>

#include <sys/un.h>

namespace finwait::daemon {

namespace {

constexpr std::size_t most_hosts = 50;
constexpr std::size_t most_directories = 50;
constexpr std::uint64_t least_history_bytes = 1024 * 1024;

constexpr std::array<std::string_view, 2> tcp_write_words{"never", "token"};

void read_unix(section& in, config_draft& out)
{
    const auto text = in.may<std::string>("unix");
    if (!text)
        return;
    const std::filesystem::path path(*text);
    if (!text->empty() && !path.is_absolute())
        return in.refuse("unix", "must be an absolute path, or \"\" for no Unix socket");
    if (text->size() >= sizeof(sockaddr_un::sun_path))
        return in.refuse(
            "unix",
            fmt::format(
                "is longer than the {} bytes that a socket's path can have",
                sizeof(sockaddr_un::sun_path) - 1
            )
        );
    out.is_unix_set = true;
    out.config.serve.unix_named_by = named_by::configuration;
    out.config.serve.unix_path = text->empty() ? std::nullopt : std::optional(path);
}

// As web/listening.hpp has it; an IPv4 address in IPv6 form is none.
bool is_loopback(const finwait::endpoint& where)
{
    return where.family == address_family::ipv4
               ? where.address.front() == 127
               : where.address == loopback(address_family::ipv6, 0).address;
}

// For the address that was meant, where another was written.
std::string plain_form_of(const finwait::endpoint& where)
{
    const auto plain = unmapped(where);
    return is_loopback(plain) ? fmt::format("; write \"{}\"", to_string(plain)) : std::string();
}

void read_tcp(section& in, config_draft& out)
{
    const auto text = in.may<std::string>("tcp");
    if (!text)
        return;
    finwait::endpoint read;
    if (!text->empty() && !parse_endpoint(*text, read))
        return in.refuse(
            "tcp",
            fmt::format(
                "{} is no address with a port; write \"127.0.0.1:9793\" or \"[::1]:9793\", or \"\" "
                "for no TCP",
                in_quotes(*text)
            )
        );
    if (!text->empty() && !is_loopback(read))
        return in.refuse(
            "tcp",
            "must be on a loopback address: what is served there is for this host only" +
                plain_form_of(read)
        );
    out.is_tcp_set = true;
    out.config.serve.tcp = text->empty() ? std::nullopt : std::optional(read);
}

void read_tcp_writes(section& in, config_draft& out)
{
    const auto text = in.may<std::string>("tcp_writes");
    if (!text)
        return;
    const auto found = std::find(tcp_write_words.begin(), tcp_write_words.end(), *text);
    if (found == tcp_write_words.end())
        return in.refuse(
            "tcp_writes",
            fmt::format("has no {}; {}", in_quotes(*text), suggestion(*text, tcp_write_words))
        );
    out.config.serve.tcp_writes = *found == "token" ? tcp_writes::token : tcp_writes::never;
}

// A name as in a Host field, an address as in a URL; the port is the server's own.
bool is_host(std::string_view text)
{
    const bool is_v6 = text.starts_with('[') && text.ends_with(']') && text.size() > 2;
    if (is_v6)
        text = text.substr(1, text.size() - 2);
    return !text.empty() && text.size() <= 253 &&
           std::all_of(text.begin(), text.end(), [&](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || (is_v6 ? c == ':' : c == '-');
           });
}

void read_hosts(section& in, config_draft& out)
{
    const auto texts = in.texts("allowed_hosts");
    if (!texts)
        return;
    if (texts->size() > most_hosts)
        return in.refuse("allowed_hosts", fmt::format("can have at most {}", most_hosts));
    out.config.serve.allowed_hosts.clear();
    for (const placed_text& each : *texts) {
        if (!is_host(each.text))
            in.refuse(
                each,
                "allowed_hosts",
                fmt::format("has {}, which is no host's name without a port", in_quotes(each.text))
            );
        out.config.serve.allowed_hosts.push_back(each.text);
    }
}

std::optional<std::chrono::seconds> keep_of(section& in, std::string_view key)
{
    const auto span = in.may<std::chrono::milliseconds>(key);
    if (!span)
        return std::nullopt;
    if (*span < std::chrono::minutes(1)) {
        in.refuse(key, "must be at least \"1m\"");
        return std::nullopt;
    }
    return std::chrono::floor<std::chrono::seconds>(*span);
}

void read_keep(section& in, config_draft& out)
{
    const toml::table* const keep = in.table("keep");
    if (keep == nullptr)
        return;
    section inside(*keep, in.dotted("keep"), in.place_of("keep"), out.findings);
    if (const auto span = keep_of(inside, "expected"))
        out.config.history.keep_expected = *span;
    if (const auto span = keep_of(inside, "finding"))
        out.config.history.keep_findings = *span;
    inside.finish();
    out.places["history.keep"] = in.place_of("keep");
}

} // namespace

void read_serve(section& in, config_draft& out)
{
    read_unix(in, out);
    read_tcp(in, out);
    read_tcp_writes(in, out);
    read_hosts(in, out);
    in.finish();
}

void read_history(section& in, config_draft& out)
{
    if (const auto path = in.may<std::string>("path")) {
        out.is_history_set = true;
        out.config.history.path_named_by = named_by::configuration;
        out.config.history.path =
            path->empty() ? std::nullopt : std::optional<std::filesystem::path>(*path);
        out.places["history.path"] = in.place_of("path");
    }
    read_keep(in, out);
    if (const auto bytes = in.bytes("max_bytes")) {
        if (*bytes < least_history_bytes)
            in.refuse("max_bytes", "must be at least \"1MiB\"");
        out.config.history.max_bytes = *bytes;
    }
    in.finish();
}

void read_limits(section& in, config_draft& out)
{
    limit_settings& to = out.config.limits;
    to.workers = in.number("workers", 0, 1024).value_or(to.workers);
    to.in_flight = in.number("in_flight", 0, 4096).value_or(to.in_flight);
    to.queue = in.number("queue", 1, 10'000).value_or(to.queue);
    to.audit_queue = in.number("audit_queue", 1, 1000).value_or(to.audit_queue);
    if (const auto span = in.may<std::chrono::milliseconds>("per_target_interval")) {
        if (*span > std::chrono::hours(1))
            in.refuse("per_target_interval", "must be at most \"1h\"");
        to.per_target_interval = *span;
    }
    in.finish();
}

void read_subjects(section& in, config_draft& out)
{
    const auto texts = in.texts("directories");
    if (texts && texts->size() > most_directories)
        in.refuse("directories", fmt::format("can have at most {}", most_directories));
    else if (texts) {
        auto& list = out.config.subject_directories;
        list.clear();
        for (const placed_text& each : *texts) {
            if (!std::filesystem::path(each.text).is_absolute())
                in.refuse(each, "directories", "must be absolute paths");
            out.places[fmt::format("subjects.directories.{}", list.size())] = each.where;
            list.emplace_back(each.text);
        }
    }
    in.finish();
}

} // namespace finwait::daemon
