// Metrics as text: Prometheus 0.0.4 and OpenMetrics 1.0.
#pragma once

#include "web/metrics.hpp"

#include <string>
#include <string_view>

namespace finwait::web {

enum class exposition { text, open_metrics };

/// The media type by which a client asks for OpenMetrics.
constexpr std::string_view open_metrics_type = "application/openmetrics-text";

std::string_view content_type_of(exposition how);

/// Every metric with its help, its type and its series. Label values are escaped; a metric without
/// a series has its two lines only.
std::string expose(const metrics_snapshot& what, exposition how);

} // namespace finwait::web
