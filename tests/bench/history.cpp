// The history with many reports: how long it takes to open, and pages of its lists with few and
// with many stored; what it takes in memory over many audits. One line of JSON. Exit 0 also when a
// goal is missed ("reached": false).
//
//     bench_history [REPORTS]
//     bench_history --fill FILE REPORTS     only fills a history, which may have some already
#include "daemon/history/history.hpp"

#include "daemon/history/record_keeper.hpp"
#include "daemon/history/schema.hpp"
#include "probe/ulid.hpp"
#include "tests/unit/daemon/sample.hpp"
#include "web/json/json.hpp"

#include <boost/asio/io_context.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <stdlib.h>
#include <unistd.h>

namespace finwait::bench {
namespace {

using namespace finwait::daemon;
using std::chrono::steady_clock;

constexpr std::uint64_t few = 1000;
constexpr std::size_t reports_of_an_audit = 50; ///< a page of audits is full with few, too
constexpr int rounds = 300;

double ms_since(steady_clock::time_point begin)
{
    return std::chrono::duration<double, std::milli>(steady_clock::now() - begin).count();
}

/// proc(5): /proc/PID/statm, second field, in pages.
long rss_bytes()
{
    long size = 0;
    long resident = 0;
    std::ifstream("/proc/self/statm") >> size >> resident;
    return resident * ::sysconf(_SC_PAGESIZE);
}

/// As large as those of a default audit: about 3 kB of JSON.
report typical(std::size_t number)
{
    const auto points = all_of<kill_point>();
    const auto methods = all_of<kill_method>();
    auto made = sample::cell(
        points[number % points.size()],
        methods[number / points.size() % methods.size()],
        number % 10'007 == 0 ? verdict::leaked : verdict::released
    );
    made.as_expected = number % 10'007 != 0;
    made.id = make_ulid(std::chrono::system_clock::now());
    made.started = std::chrono::system_clock::now();
    made.process = process_record{};
    made.process->output = std::string(1800, 'x');
    made.reasons.push_back({"fin_exchange", std::string(200, 'y'), "RFC 9293 3.6"});
    return made;
}

/// Fills a history directly: what is measured is not how it was filled.
void fill(const std::string& file, std::uint64_t from, std::uint64_t to)
{
    database opened(file, database::access::read_write);
    set_up_writer(opened);
    migrate(opened);
    open_audits open;
    record_keeper keeper(opened, open);
    for (std::uint64_t number = from; number < to;) {
        transaction some(opened);
        audit done;
        done.id = make_ulid(std::chrono::system_clock::now());
        done.started = std::chrono::system_clock::now();
        keeper.begin({done.id, "default", done.started, reports_of_an_audit});
        for (std::size_t i = 0; i < reports_of_an_audit && number < to; ++i, ++number) {
            auto made = typical(number);
            keeper.add(row_of(done.id, made, json::dump(made)));
            made.process.reset();
            done.reports.push_back(std::move(made));
        }
        conclude(done);
        keeper.end(row_of(done));
        some.commit();
        keeper.settle();
    }
}

/// Until it has so many.
void fill_up(const std::string& file, std::uint64_t reports)
{
    std::uint64_t there = 0;
    if (std::filesystem::exists(file)) {
        database opened(file, database::access::read_only);
        auto count = opened.ask("SELECT count(*) FROM reports");
        if (count.next())
            there = static_cast<std::uint64_t>(count.integer(0));
    }
    fill(file, there, reports);
}

/// Milliseconds of one question, the middle of many.
template <class Ask>
double middle_ms(const Ask& ask)
{
    std::vector<double> times;
    for (int i = 0; i < rounds; ++i) {
        const auto begin = steady_clock::now();
        ask();
        times.push_back(ms_since(begin));
    }
    std::nth_element(times.begin(), times.begin() + rounds / 2, times.end());
    return times[rounds / 2];
}

struct pages
{
    double reports_ms = 0;
    double filtered_ms = 0;
    double audits_ms = 0;
    double status_ms = 0;
};

history_settings settings(const std::string& file)
{
    return {.path = file, .max_bytes = 100ULL * 1024 * mebibyte};
}

pages pages_of(const std::string& file)
{
    boost::asio::io_context io(1);
    const auto past = history::open(io, settings(file), [](const std::string&) {});
    web::report_query filtered;
    filtered.verdict = verdict::released;
    filtered.at = kill_point::idle;
    return {
        .reports_ms = middle_ms([&] { (void)past->reports({}); }),
        .filtered_ms = middle_ms([&] { (void)past->reports(filtered); }),
        .audits_ms = middle_ms([&] { (void)past->audits({}); }),
        .status_ms = middle_ms([&] {
            (void)past->last();
            (void)past->state();
            (void)past->finding_counts();
        })};
}

double open_ms(const std::string& file)
{
    boost::asio::io_context io(1);
    const auto begin = steady_clock::now();
    const auto past = history::open(io, settings(file), [](const std::string&) {});
    (void)past->last();
    return ms_since(begin);
}

struct growth
{
    long early_bytes = 0;
    long late_bytes = 0;
    double reports_per_s = 0;
};

/// 2,000 audits of 10 cells, stored as the daemon stores them.
growth growth_over(const std::string& file, int audits)
{
    boost::asio::io_context io(1);
    const auto past = history::open(io, {.path = file}, [](const std::string&) {});
    growth grown;
    const auto begin = steady_clock::now();
    for (int i = 0; i < audits; ++i) {
        audit done;
        done.id = make_ulid(std::chrono::system_clock::now());
        done.started = std::chrono::system_clock::now();
        past->begin({done.id, "default", done.started, 10});
        for (std::size_t n = 0; n < 10; ++n) {
            done.reports.push_back(typical(n * 7));
            past->add(done.id, done.reports.back(), json::dump(done.reports.back()));
        }
        conclude(done);
        past->end(done);
        past->flush();
        io.restart();
        io.poll();
        if (i == audits / 10)
            grown.early_bytes = rss_bytes();
    }
    grown.late_bytes = rss_bytes();
    grown.reports_per_s = audits * 10 / (ms_since(begin) / 1000);
    return grown;
}

std::string text_of(const pages& what)
{
    return fmt::format(
        R"({{"reports":{:.3f},"reports_filtered":{:.3f},"audits":{:.3f},"status":{:.3f}}})",
        what.reports_ms,
        what.filtered_ms,
        what.audits_ms,
        what.status_ms
    );
}

void measure(const std::string& folder, std::uint64_t many)
{
    const auto grown = growth_over(folder + "/grown.db", 2000);
    const auto file = folder + "/history.db";
    fill(file, 0, few);
    const auto with_few = pages_of(file);
    const auto begin = steady_clock::now();
    fill(file, few, 100'000);
    const auto opening = open_ms(file);
    fill(file, 100'000, many);
    const auto filling_s = ms_since(begin) / 1000;
    const auto with_many = pages_of(file);
    const auto factor = std::max(
        {with_many.reports_ms / with_few.reports_ms,
         with_many.filtered_ms / with_few.filtered_ms,
         with_many.audits_ms / with_few.audits_ms,
         with_many.status_ms / with_few.status_ms}
    );
    const bool is_flat = grown.late_bytes < grown.early_bytes + 2 * 1024 * 1024;
    fmt::print(
        R"({{"open_100000_ms":{:.1f},"reports":{},"file_bytes":{},"filled_s":{:.0f},)"
        R"("few_ms":{},"many_ms":{},"factor":{:.2f},"rss_after_200_audits":{},)"
        R"("rss_after_2000_audits":{},"stored_per_s":{:.0f},"reached":{}}})"
        "\n",
        opening,
        many,
        std::filesystem::file_size(file),
        filling_s,
        text_of(with_few),
        text_of(with_many),
        factor,
        grown.early_bytes,
        grown.late_bytes,
        grown.reports_per_s,
        opening <= 100 && factor <= 2 && is_flat && grown.late_bytes < 30 * 1024 * 1024
    );
}

} // namespace
} // namespace finwait::bench

int main(int argc, char** argv)
{
    if (argc == 4 && std::string_view(argv[1]) == "--fill") {
        finwait::bench::fill_up(argv[2], std::strtoull(argv[3], nullptr, 10));
        return 0;
    }
    std::string folder = "/var/tmp/finwait-bench-XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) {
        fmt::print("skipped: no folder can be made in /var/tmp\n");
        return 77;
    }
    const auto many = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000ULL;
    int status = 0;
    try {
        finwait::bench::measure(folder, std::max<std::uint64_t>(many, 100'001));
    } catch (const std::exception& error) {
        fmt::print("failed: {}\n", error.what());
        status = 1;
    }
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
    return status;
}
