// The two formats of the metrics, byte by byte.
#include "web/exposition.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace finwait::web;

namespace {

const metrics_snapshot all{
    {"finwait_a_total",
     "Counts \"a\" \\ and\nb.",
     metric_kind::counter,
     {{{{"x", "q\"b\\n\n"}, {"y", ""}}, 3}, {{{"x", "1"}, {"y", "2"}}, 9007199254740992.0}}},
    {"finwait_b_bytes", "B.", metric_kind::gauge, {{{}, -0.5}}},
    {"finwait_c_seconds",
     "C.",
     metric_kind::histogram,
     {{{{"m", "x"}}, 1.25, {{0.001, 0}, {2, 4}}, 5}}},
    {"finwait_d", "D.", metric_kind::gauge, {}},
};

std::string number(double value)
{
    const auto text = expose({{"n", "", metric_kind::gauge, {{{}, value}}}}, exposition::text);
    const auto begin = text.rfind("\nn ") + 3;
    return text.substr(begin, text.size() - begin - 1);
}

} // namespace

TEST_SUITE_BEGIN("web/exposition");

TEST_CASE("text 0.0.4")
{
    CHECK(
        expose(all, exposition::text) == "# HELP finwait_a_total Counts \"a\" \\\\ and\\nb.\n"
                                         "# TYPE finwait_a_total counter\n"
                                         "finwait_a_total{x=\"q\\\"b\\\\n\\n\",y=\"\"} 3\n"
                                         "finwait_a_total{x=\"1\",y=\"2\"} 9007199254740992\n"
                                         "# HELP finwait_b_bytes B.\n"
                                         "# TYPE finwait_b_bytes gauge\n"
                                         "finwait_b_bytes -0.5\n"
                                         "# HELP finwait_c_seconds C.\n"
                                         "# TYPE finwait_c_seconds histogram\n"
                                         "finwait_c_seconds_bucket{m=\"x\",le=\"0.001\"} 0\n"
                                         "finwait_c_seconds_bucket{m=\"x\",le=\"2\"} 4\n"
                                         "finwait_c_seconds_bucket{m=\"x\",le=\"+Inf\"} 5\n"
                                         "finwait_c_seconds_sum{m=\"x\"} 1.25\n"
                                         "finwait_c_seconds_count{m=\"x\"} 5\n"
                                         "# HELP finwait_d D.\n"
                                         "# TYPE finwait_d gauge\n"
    );
}

TEST_CASE("OpenMetrics names families of counters without the suffix, and ends")
{
    const auto text = expose(all, exposition::open_metrics);
    CHECK(text.starts_with(
        "# HELP finwait_a Counts \\\"a\\\" \\\\ and\\nb.\n# TYPE finwait_a counter\n"
        "finwait_a_total{"
    ));
    CHECK(text.ends_with("# TYPE finwait_d gauge\n# EOF\n"));
}

TEST_CASE("numbers")
{
    CHECK(number(0) == "0");
    CHECK(number(1e15) == "1000000000000000");
    CHECK(number(1e300) == "1e+300");
    CHECK(number(0.1) == "0.1");
    CHECK(number(std::numeric_limits<double>::infinity()) == "+Inf");
    CHECK(number(-std::numeric_limits<double>::infinity()) == "-Inf");
    CHECK(number(std::numeric_limits<double>::quiet_NaN()) == "NaN");
}

TEST_SUITE_END();
