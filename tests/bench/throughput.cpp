// Verified probes per second of one worker, against a plain epoll loop that makes the same traffic
// and observes nothing, both in one run; and the same with a crowd of other sockets in the
// namespace. One line of JSON per question, medians of rounds that take turns. Exit 0 also when a
// goal is missed ("reached": false); 77 where it cannot be measured, with the reason.
//
//     bench_throughput [PROBES_A_ROUND [ROUNDS [CROWD [IN_FLIGHT]]]]
#include "probe/client/request.hpp"
#include "probe/origin/response_text.hpp"
#include "tests/bench/cost.hpp"
#include "tests/bench/laboratory.hpp"
#include "tests/bench/plain_loop.hpp"
#include "tests/bench/probing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

namespace finwait::bench {
namespace {

constexpr std::uint64_t response_bytes = 1024;
constexpr unsigned sources = 64;
constexpr std::size_t plain_in_flight = 64;

/// How much is measured.
struct extent
{
    std::uint64_t count = 4'000; ///< of probes in a round
    int rounds = 15;             ///< many short ones, whose median a busy machine troubles least
    std::uint64_t crowd = 200'000;
    std::size_t in_flight = 16; ///< more only push each other out of the caches
};

constexpr double goal_ratio = 0.5;
constexpr double goal_slower = 0.1;

plan plan_of(kill_method by)
{
    plan out;
    out.at = kill_point::idle;
    out.by = by;
    out.response = {framing::length, response_bytes};
    return out;
}

traffic traffic_of(const plan& what)
{
    traffic out;
    out.request = client::make_head(what, "localhost:40000", "/");
    const origin::response_text response(what.response);
    out.response = std::string(response.head()) + std::string(response_bytes, 'f');
    out.kill = what.by == kill_method::reset ? plain_kill::reset : plain_kill::close;
    out.sources = sources;
    return out;
}

double median(std::vector<double> values)
{
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

/// Sockets in TIME_WAIT, which need no descriptor.
void make_crowd(std::uint64_t count)
{
    traffic what = traffic_of(plan_of(kill_method::close));
    what.sources = 1024;
    run_plain_loop(what, count, plain_in_flight);
}

/// Both sides of a comparison, round by round.
struct comparison
{
    std::vector<double> rate;       ///< of probes, per second
    std::vector<double> other_rate; ///< of what they are compared with
    std::vector<double> ratio;
    std::vector<double> cpu_ratio;

    void add(std::uint64_t count, const cost& probes, const cost& other)
    {
        rate.push_back(static_cast<double>(count) / probes.wall);
        other_rate.push_back(static_cast<double>(count) / other.wall);
        ratio.push_back(other.wall / probes.wall);
        cpu_ratio.push_back(other.cpu / probes.cpu);
    }
};

/// The first probes, which start the origin and make room for all, are not counted.
void compare_with_plain(const lab::place& where, kill_method by, const extent& much)
{
    const plan what = plan_of(by);
    const traffic plain = traffic_of(what);
    probing probes(where, {what});
    probes.run(much.in_flight, much.in_flight);
    comparison found;
    for (int i = 0; i < much.rounds; ++i) {
        const cost alone = cost_of([&] { run_plain_loop(plain, much.count, plain_in_flight); });
        const cost seen = cost_of([&] { probes.run(much.count, much.in_flight); });
        found.add(much.count, seen, alone);
    }
    const double ratio = median(found.ratio);
    fmt::print(
        R"({{"benchmark":"throughput","by":"{}","plain_per_second":{:.0f},"probes_per_second":{:.0f},"ratio":{:.3f},"cpu_ratio":{:.3f},"goal_ratio":{},"unexpected":{},"reached":{}}})"
        "\n",
        word(by),
        median(found.other_rate),
        median(found.rate),
        ratio,
        median(found.cpu_ratio),
        goal_ratio,
        probes.unexpected(),
        ratio >= goal_ratio && probes.unexpected() == 0
    );
    std::fflush(stdout);
}

/// Probes in a namespace of their own.
class somewhere
{
public:
    somewhere(const lab::place& home, const plan& what)
        : home_(home), where_(must(home.make_namespace()))
    {
        const lab::inside here(where_, home_);
        allow_time_waits();
        probes_ = std::make_unique<probing>(home_, std::vector{what});
    }

    void fill(std::uint64_t crowd)
    {
        const lab::inside here(where_, home_);
        make_crowd(crowd);
    }

    cost measure(std::uint64_t count, std::size_t in_flight)
    {
        const lab::inside here(where_, home_);
        return cost_of([&] { probes_->run(count, in_flight); });
    }

    std::uint64_t unexpected() const { return probes_->unexpected(); }

private:
    const lab::place& home_;
    lab::net_namespace where_;
    std::unique_ptr<probing> probes_;
};

/// The two take turns, so that a machine which gets slower meanwhile is slower for both.
void compare_with_crowd(const lab::place& home, const extent& much)
{
    constexpr auto by = kill_method::reset;
    somewhere quiet(home, plan_of(by));
    somewhere crowded(home, plan_of(by));
    crowded.fill(much.crowd);
    quiet.measure(much.in_flight, much.in_flight);
    crowded.measure(much.in_flight, much.in_flight);
    std::vector<double> wall;
    std::vector<double> cpu;
    for (int i = 0; i < much.rounds; ++i) {
        const cost alone = quiet.measure(much.count, much.in_flight);
        const cost among = crowded.measure(much.count, much.in_flight);
        wall.push_back(among.wall / alone.wall);
        cpu.push_back(among.cpu / alone.cpu);
    }
    const double slower = median(wall) - 1;
    const std::uint64_t unexpected = quiet.unexpected() + crowded.unexpected();
    fmt::print(
        R"({{"benchmark":"crowd","by":"{}","other_sockets":{},"slower":{:.3f},"cpu_slower":{:.3f},"goal_slower":{},"unexpected":{},"reached":{}}})"
        "\n",
        word(by),
        much.crowd,
        slower,
        median(cpu) - 1,
        goal_slower,
        unexpected,
        slower <= goal_slower && unexpected == 0
    );
}

int run(const extent& much)
{
    const auto where = enter_lab();
    if (!where)
        return 77;
    in_fresh_namespace(*where, [&] { compare_with_plain(*where, kill_method::reset, much); });
    in_fresh_namespace(*where, [&] { compare_with_plain(*where, kill_method::close, much); });
    compare_with_crowd(*where, much);
    return 0;
}

} // namespace
} // namespace finwait::bench

int main(int argc, char** argv)
{
    finwait::bench::extent much;
    const auto number = [&](int index, auto otherwise) {
        return argc > index
                   ? static_cast<decltype(otherwise)>(std::strtoul(argv[index], nullptr, 10))
                   : otherwise;
    };
    much.count = number(1, much.count);
    much.rounds = number(2, much.rounds);
    much.crowd = number(3, much.crowd);
    much.in_flight = number(4, much.in_flight);
    return finwait::bench::run(much);
}
