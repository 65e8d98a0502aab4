// What the daemon is told by its files, as plain values. Made by daemon/config/load, checked there.
#pragma once

#include "probe/model/endpoint.hpp"
#include "probe/model/tls_settings.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace finwait::daemon {

/// Who named a place. One that cannot be used is an error when the configuration named it, and a
/// warning otherwise.
enum class named_by { nobody, configuration };

/// Who may write over TCP.
enum class tcp_writes { never, token };

/// `[serve]`
struct serve_settings
{
    std::optional<std::filesystem::path> unix_path; ///< absent: no Unix socket
    named_by unix_named_by = named_by::nobody;
    std::optional<endpoint> tcp; ///< absent: no TCP listener; loopback
    daemon::tcp_writes tcp_writes = daemon::tcp_writes::never;
    std::vector<std::string> allowed_hosts; ///< further values of Host that mean us

    friend bool operator==(const serve_settings&, const serve_settings&) = default;
};

/// `[history]`
struct history_settings
{
    std::optional<std::filesystem::path> path; ///< absent: in memory only; absolute
    named_by path_named_by = named_by::nobody;
    std::chrono::seconds keep_expected{std::chrono::hours(7 * 24)};
    std::chrono::seconds keep_findings{std::chrono::hours(90 * 24)}; ///< and what was not judged
    std::uint64_t max_bytes = 256 * 1024 * 1024;

    friend bool operator==(const history_settings&, const history_settings&) = default;
};

/// `[limits]`
struct limit_settings
{
    unsigned workers = 0;      ///< 0: as many as there are processors
    unsigned in_flight = 0;    ///< probes at once in a worker; 0: what an audit is best at
    unsigned queue = 256;      ///< probes that wait, before a request gets 429
    unsigned audit_queue = 16; ///< audits that wait
    std::chrono::milliseconds per_target_interval{1000};

    friend bool operator==(const limit_settings&, const limit_settings&) = default;
};

/// One of `[[targets]]`: a server besides the lab's origin.
struct target_settings
{
    std::string name;
    std::string url;
    bool allow_loopback = false;
    bool allow_private = false;
    std::optional<tls_settings> tls{}; ///< of an https URL

    friend bool operator==(const target_settings&, const target_settings&) = default;
};

/// One of `[[audits]]`. The words are checked: every one means something.
struct audit_settings
{
    std::string name;
    std::vector<std::string> at;       ///< kill points; empty or `all`: every one
    std::vector<std::string> by;       ///< kill methods; empty or `all`: every one
    std::vector<std::string> subjects; ///< as `--subject`; empty: beast
    std::string target = "origin";     ///< a target's name
    bool tls = false;
    bool ipv6 = false;
    unsigned repeat = 1;
    /// From an end to the next start; absent: only when asked for, or at `calendar`.
    std::optional<std::chrono::milliseconds> every;
    std::optional<std::string> calendar; ///< daemon/schedule/calendar.hpp; never with `every`

    friend bool operator==(const audit_settings&, const audit_settings&) = default;
};

/// All of it, as load() makes it.
struct configuration
{
    serve_settings serve;
    history_settings history;
    limit_settings limits;
    std::vector<std::filesystem::path> subject_directories; ///< lower precedence first
    std::vector<target_settings> targets;
    std::vector<audit_settings> audits; ///< the first one is the default audit, named `default`
    std::vector<std::string> warnings;  ///< what was passed over, such as an unusable default

    friend bool operator==(const configuration&, const configuration&) = default;
};

} // namespace finwait::daemon
