// What the service counts, for /metrics.
#pragma once

#include "daemon/config/configuration.hpp"
#include "daemon/history/history.hpp"
#include "probe/model/audit.hpp"
#include "web/metrics.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

namespace finwait::daemon {

/// From a kill to its socket's CLOSE or TIME_WAIT, the worst connection of a probe; nullopt: it was
/// not released, or the kernel was not seen doing it. Pure.
std::optional<std::chrono::nanoseconds> release_time(const report& done);

/// How it stands now with what is not counted but measured.
struct gauges
{
    history_state stored;
    finwait::finding_counts findings;
    std::uint64_t waiting_audits = 0;
    std::uint64_t waiting_probes = 0;
    std::uint64_t workers = 0;
    bool is_config_good = true;
    std::chrono::system_clock::time_point started;
};

/// The counters. Labels are words of closed lists and names of the configuration.
class figures
{
public:
    /// A report of an audit or of a single probe.
    void count(const report& done);

    /// An audit of the configuration, or ad_hoc, that has ended.
    void
    count(const audit& done, const std::string& name, std::chrono::system_clock::time_point at);

    /// All of it, with what the process itself uses (/proc/self). Audits that are no longer
    /// configured are left out.
    web::metrics_snapshot snapshot(const gauges& now, const configuration& how) const;

private:
    static constexpr std::array<double, 9> bounds{
        0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 5};

    struct spread
    {
        std::array<std::uint64_t, bounds.size()> up_to{}; ///< cumulative
        std::uint64_t count = 0;
        double sum = 0;
    };

    struct of_audit
    {
        std::map<outcome, std::uint64_t> ended;
        std::uint64_t findings = 0;
        bool is_void = false;
        std::chrono::nanoseconds took{};
        std::optional<std::chrono::system_clock::time_point> last_success;
    };

    web::metric probes() const;
    web::metric releases() const;
    void add_audits(web::metrics_snapshot& out, const configuration& how) const;

    std::map<std::tuple<kill_point, kill_method, verdict>, std::uint64_t> probes_;
    std::map<kill_method, spread> releases_;
    std::map<std::string, of_audit, std::less<>> audits_;
};

} // namespace finwait::daemon
