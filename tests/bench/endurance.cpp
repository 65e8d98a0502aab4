// What many probes through one prober leave behind: descriptors, sockets and memory, after the
// first thousand and at every thousand from there. One line of JSON. Exit 0 also when a goal is
// missed
// ("reached": false); 77 where it cannot be measured, with the reason.
//
//     bench_endurance [PROBES]
#include "tests/bench/laboratory.hpp"
#include "tests/bench/probing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <unistd.h>

namespace finwait::bench {
namespace {

constexpr std::uint64_t block = 1000;
constexpr std::size_t in_flight = 64;

/// An allocation of 16 bytes lost by each of 100,000 probes is more.
constexpr long most_growth_bytes = 1024 * 1024;

/// What this process has.
struct belongings
{
    long descriptors = 0;
    long sockets = 0; ///< of any kind in its network namespace; no TIME_WAIT, which is the kernel's
    long orphans = 0; ///< TCP sockets without a descriptor
    long rss_bytes = 0;
};

/// The number behind a word in a line of a file of /proc.
long number_in(const char* path, const std::string& line_begin, const std::string& name)
{
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with(line_begin))
            continue;
        const auto at = line.find(name + " ");
        if (at != std::string::npos)
            return std::stol(line.substr(at + name.size()));
    }
    throw std::runtime_error(std::string("no ") + name + " in " + path);
}

/// proc(5): /proc/PID/statm, second field, in pages.
long rss_bytes()
{
    long size = 0;
    long resident = 0;
    std::ifstream("/proc/self/statm") >> size >> resident;
    return resident * ::sysconf(_SC_PAGESIZE);
}

belongings now()
{
    const std::filesystem::directory_iterator open("/proc/self/fd");
    belongings out;
    out.descriptors = std::distance(std::filesystem::begin(open), std::filesystem::end(open));
    // /proc/net follows the process, which may be in another namespace than this thread.
    constexpr auto sockstat = "/proc/thread-self/net/sockstat";
    out.sockets = number_in(sockstat, "sockets:", "used");
    out.orphans = number_in(sockstat, "TCP:", "orphan");
    out.rss_bytes = rss_bytes();
    return out;
}

belongings most_of(const belongings& a, const belongings& b)
{
    return {
        std::max(a.descriptors, b.descriptors),
        std::max(a.sockets, b.sockets),
        std::max(a.orphans, b.orphans),
        std::max(a.rss_bytes, b.rss_bytes)};
}

plan plan_of(kill_method by)
{
    plan out;
    out.at = kill_point::idle;
    out.by = by;
    out.response = {framing::length, 1024};
    return out;
}

void endure(const lab::place& where, std::uint64_t count)
{
    probing probes(where, {plan_of(kill_method::reset), plan_of(kill_method::close)});
    probes.run(block, in_flight);
    const belongings first = now();
    belongings most = first;
    for (std::uint64_t done = block; done < count; done += block) {
        probes.run(block, in_flight);
        most = most_of(most, now());
    }
    const bool flat = most.descriptors <= first.descriptors && most.sockets <= first.sockets &&
                      most.orphans <= first.orphans &&
                      most.rss_bytes - first.rss_bytes <= most_growth_bytes;
    const auto told = [](const belongings& what) {
        return fmt::format(
            R"({{"descriptors":{},"sockets":{},"orphans":{},"rss_bytes":{}}})",
            what.descriptors,
            what.sockets,
            what.orphans,
            what.rss_bytes
        );
    };
    fmt::print(
        R"({{"benchmark":"endurance","probes":{},"after_the_first_thousand":{},"most_later":{},"goal_growth_bytes":{},"unexpected":{},"reached":{}}})"
        "\n",
        count,
        told(first),
        told(most),
        most_growth_bytes,
        probes.unexpected(),
        flat && probes.unexpected() == 0
    );
}

int run(std::uint64_t count)
{
    const auto where = enter_lab();
    if (!where)
        return 77;
    in_fresh_namespace(*where, [&] { endure(*where, count); });
    return 0;
}

} // namespace
} // namespace finwait::bench

int main(int argc, char** argv)
{
    return finwait::bench::run(
        argc > 1 ? static_cast<std::uint64_t>(std::strtoul(argv[1], nullptr, 10)) : 100'000
    );
}
