// What one exact look-up costs, against running ss(8) for the same socket: in a namespace that has
// nothing else, and in one with 20,000 other sockets. One line of JSON. Exit 0 also when a goal is
// missed ("reached": false); 77 where it cannot be measured, with the reason.
#include "tests/support/socket_pair.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

extern char** environ;

using namespace finwait;
using namespace finwait::test;
using std::chrono::steady_clock;

namespace {

constexpr double goal_us = 2.0;
constexpr double goal_times_faster = 500;
constexpr std::size_t other_sockets = 20'000;

double median(std::vector<double> values)
{
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

double us_since(steady_clock::time_point start)
{
    return std::chrono::duration<double, std::micro>(steady_clock::now() - start).count();
}

/// Median over many runs of ten, so that reading the clock does not count.
double look_up_us(network& net, const socket_id& which, bool there)
{
    constexpr int in_a_row = 10;
    std::vector<double> runs(5001);
    for (double& run : runs) {
        const auto start = steady_clock::now();
        for (int i = 0; i < in_a_row; ++i)
            must(must(net.diag.look_up(which), "look_up").has_value() == there, "the answer");
        run = us_since(start) / in_a_row;
    }
    return median(std::move(runs));
}

/// Per socket, when many are asked for at once.
double batch_us(network& net, const socket_id& which)
{
    const std::vector<socket_id> questions(64, which);
    std::vector<double> runs(1001);
    for (double& run : runs) {
        const auto start = steady_clock::now();
        must(net.diag.look_up(std::span<const socket_id>(questions)), "look_up");
        run = us_since(start) / static_cast<double>(questions.size());
    }
    return median(std::move(runs));
}

/// One run of `ss -tan` from start to end, its whole output read. Exit 77 when there is no ss.
double one_ss_us()
{
    int ends[2] = {-1, -1};
    must(pipe2(ends, O_CLOEXEC) == 0, "pipe");
    const unique_fd read_end(ends[0]);
    unique_fd write_end(ends[1]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDOUT_FILENO);
    char name[] = "ss";
    char option[] = "-tan";
    char* const arguments[] = {name, option, nullptr};
    pid_t pid = -1;
    const auto start = steady_clock::now();
    const int failed = posix_spawnp(&pid, name, &actions, nullptr, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) {
        std::fprintf(stderr, "SKIP: ss (package iproute2): %s\n", std::strerror(failed));
        std::exit(77);
    }
    write_end.reset();
    std::size_t total = 0;
    char block[65536];
    for (ssize_t size = 0; (size = read(read_end.get(), block, sizeof block)) > 0;)
        total += static_cast<std::size_t>(size);
    int status = 0;
    must(waitpid(pid, &status, 0) == pid && status == 0 && total > 0, "ss");
    return us_since(start);
}

double ss_us()
{
    std::vector<double> runs(11);
    for (double& run : runs)
        run = one_ss_us();
    return median(std::move(runs));
}

struct measured
{
    double hit_us;
    double miss_us;
    double batch_us;
    double ss_us;

    double slowest_us() const { return std::max(hit_us, miss_us); }
    double times_faster() const { return ss_us / slowest_us(); }
    bool reached() const { return slowest_us() <= goal_us && times_faster() >= goal_times_faster; }
};

measured measure(network& net, const socket_id& which)
{
    socket_id nobody = which;
    nobody.cookie += 1'000'000'000;
    return {
        look_up_us(net, which, true),
        look_up_us(net, nobody, false),
        batch_us(net, which),
        ss_us()};
}

/// Established connections, both ends counted as sockets. The servers' ends are never accepted, so
/// that a connection takes one descriptor.
struct crowd
{
    std::vector<listener> listeners;
    std::vector<unique_fd> clients;

    /// Fewer where the limit of descriptors does not allow for so many.
    explicit crowd(std::size_t sockets)
    {
        constexpr std::size_t per_listener = 100;
        rlimit limit{};
        must(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
        limit.rlim_cur = limit.rlim_max;
        must(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
        const std::size_t room = limit.rlim_cur > 200 ? (limit.rlim_cur - 100) * 9 / 10 : 0;
        const std::size_t connections = std::min(sockets / 2, room);
        for (std::size_t i = 0; i < connections; ++i) {
            if (i % per_listener == 0)
                listeners.push_back(listen_at(loopback(address_family::ipv4, 0), per_listener));
            clients.push_back(connect_to(listeners.back().where));
        }
    }

    std::size_t sockets() const { return 2 * clients.size() + listeners.size(); }
};

void print(const char* name, const measured& what)
{
    std::printf(
        "\"%s\":{\"hit_us\":%.3f,\"miss_us\":%.3f,\"batch_of_64_us\":%.3f,\"ss_us\":%.0f,"
        "\"times_faster\":%.0f}",
        name,
        what.hit_us,
        what.miss_us,
        what.batch_us,
        what.ss_us,
        what.times_faster()
    );
}

} // namespace

int main()
{
    network net;
    const socket_pair pair;
    const measured alone = measure(net, pair.client.id);
    const crowd others(other_sockets);
    const measured crowded = measure(net, pair.client.id);
    std::printf("{\"benchmark\":\"lookup\",");
    print("alone", alone);
    std::printf(",\"other_sockets\":%zu,", others.sockets());
    print("crowded", crowded);
    std::printf(
        ",\"goal_us\":%.1f,\"goal_times_faster\":%.0f,\"reached\":%s}\n",
        goal_us,
        goal_times_faster,
        alone.reached() && crowded.reached() ? "true" : "false"
    );
}
