// What the daemon counts, as plain numbers; web/exposition writes them for Prometheus. Labels come
// from closed lists or names of the configuration only.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace finwait::web {

enum class metric_kind { counter, gauge, histogram };

/// One time series' value now. Of a histogram: see `buckets`.
struct sample
{
    std::vector<std::pair<std::string, std::string>> labels;
    double value = 0;
    /// Upper bounds and cumulative counts, ascending, without +Inf; `value` is the sum, `count`
    /// all.
    std::vector<std::pair<double, std::uint64_t>> buckets{};
    std::uint64_t count = 0;
};

/// One metric with its series.
struct metric
{
    std::string name; ///< with its unit, and `_total` for a counter
    std::string help;
    metric_kind kind = metric_kind::gauge;
    std::vector<sample> samples;
};

/// All that the daemon itself knows; the web side adds its own requests and refusals.
using metrics_snapshot = std::vector<metric>;

} // namespace finwait::web
