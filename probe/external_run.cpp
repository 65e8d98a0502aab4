#include "probe/external_run.hpp"

#include "probe/external/counts.hpp"
#include "probe/external/kill.hpp"
#include "probe/external/looks.hpp"
#include "probe/external/stand.hpp"
#include "probe/subject/request_file.hpp"

#include <fmt/format.h>

#include <exception>

namespace finwait {
namespace {

using external::clock;

/// The limit of the one request that shows whether a client still works, with room for a driver's
/// own of 5 s.
constexpr auto health_limit = std::chrono::seconds(8);

/// The course of one experiment.
class external_run
{
public:
    external_run(
        net::io_context& io,
        scene_maker& maker,
        plan what,
        std::string id,
        subject::client_order how,
        run_purpose why
    )
        : maker_(maker), why_(why),
          it_(io, std::move(what), std::move(id), std::move(how), why.rounds)
    {
    }

    net::awaitable<report> go()
    {
        try {
            co_await experiment();
        } catch (const std::exception& failed) {
            it_.in_the_way(
                "internal_error", fmt::format("The probe broke off: {}.", failed.what())
            );
        }
        if (!it_.seen.process)
            note_process();
        if (it_.client)
            note_left(it_.client->end());
        if (it_.seen.process) {
            it_.seen.process->works = works_;
            it_.seen.process->output = it_.client->output();
        }
        if (it_.set) {
            if (it_.client)
                it_.set->on_arrival({});
            co_await it_.set->strike();
        }
        if (measures_)
            co_await note_baseline();
        for (auto& each : all_.list)
            it_.seen.connections.push_back(std::move(each.record));
        it_.seen.took_ns = it_.now_ns();
        judge::settle(it_.seen, judge::judge(it_.seen, maker_.settings(), it_.obstacle.what));
        co_return std::move(it_.seen);
    }

private:
    void note_left(const std::vector<std::int32_t>& processes)
    {
        if (!processes.empty())
            it_.seen.warnings.push_back(fmt::format(
                "{} processes of it could not be ended, among them {}.",
                processes.size(),
                processes.front()
            ));
    }

    net::awaitable<void> experiment()
    {
        auto set = maker_.make_stage(it_.wanted(), it_.seen.id);
        it_.set = std::move(set.made);
        it_.obstacle.what = std::move(set.why);
        if (it_.obstacle)
            co_return;
        if (!it_.set->counted())
            it_.seen.warnings.emplace_back(
                "The network namespace is shared: counters are not this probe's own."
            );
        start_program();
        if (it_.obstacle)
            co_return;
        co_await external::stand(it_, all_);
        if (it_.obstacle)
            co_return;
        counts_.note_before();
        co_await external::kill(it_, all_);
        if (it_.obstacle)
            co_return;
        want_baseline();
        co_await external::first_look(it_, all_);
        co_await counts_.note_after();
        note_process();
        compare_with_recipe();
        it_.set->on_arrival({}); // what comes from now on is no part of what was killed
        co_await ask_whether_it_works();
        co_await release();
        co_await it_.set->let_origin_go(it_.wanted().after);
        co_await external::second_look(it_, all_);
        it_.seen.counters = it_.set->counter_deltas();
        for (auto& each : all_.list)
            if (each.follow->trouble())
                it_.in_the_way(
                    "kernel_refused",
                    "sock_diag did not answer: " + each.follow->trouble().message()
                );
    }

    void start_program()
    {
        const auto file = subject::request_file::of(it_.wanted().request.bytes);
        if (!file)
            return it_.in_the_way(
                "not_permitted", "Making the body's file: " + file.error().message()
            );
        const endpoint& peer = it_.set->peer();
        const std::string address = to_string(peer);
        const std::string host = address.substr(0, address.rfind(':'));
        const std::string name = it_.set->name().empty() ? host : it_.set->name();
        subject::replacements known{
            {"url",
             fmt::format("{}://{}:{}/", it_.wanted().tls ? "https" : "http", name, peer.port)},
            {"host", name},
            {"port", std::to_string(peer.port)},
            {"method", it_.wanted().method},
            {"framing", std::string(word(it_.wanted().request.how))},
            {"body_bytes", std::to_string(it_.wanted().request.bytes)},
            {"body_file", file->path()},
            {"timeout_ms", std::to_string(it_.how.own_timeout.count())},
            {"requests", std::to_string(it_.wanted().requests)}};
        if (!it_.set->certificate().empty()) {
            const auto trusted = subject::request_file::holding(it_.set->certificate());
            if (!trusted)
                return it_.in_the_way(
                    "not_permitted", "Making the certificate's file: " + trusted.error().message()
                );
            known.emplace("ca_file", trusted->path());
        }
        const auto inside = it_.set->enter();
        auto started =
            subject::program::start(it_.io, it_.how, known, it_.seen.id, it_.set->namespace_name());
        if (!started)
            return it_.in_the_way(
                "not_started",
                fmt::format(
                    "{} cannot be started: {}.", it_.how.command.front(), started.error().message()
                )
            );
        it_.client = *started;
        // Of a client that breaks off at once the cookie can be had only now.
        it_.set->on_arrival([this] { all_.find(); });
        it_.client->on_end([this] {
            if (it_.client->processes().empty())
                it_.set->expect_nobody();
        });
    }

    void compare_with_recipe()
    {
        if (!it_.how.survives || *it_.how.survives == it_.client->lives())
            return;
        it_.seen.warnings.push_back(
            *it_.how.survives ? fmt::format(
                                    "Its recipe says that it survives {}, and it ended by {}.",
                                    word(it_.wanted().by),
                                    it_.client->how_it_ended()
                                )
                              : fmt::format(
                                    "Its recipe does not say that it survives {}, and it lives on.",
                                    word(it_.wanted().by)
                                )
        );
    }

    /// Of a process that lives on, in time for the judgement.
    void want_baseline()
    {
        const bool may_keep = it_.client->lives() && it_.wanted().by != kill_method::stop;
        measures_ = why_.baselines != nullptr && may_keep && baseline_book::can_measure(it_.how);
        if (measures_)
            why_.baselines->want(it_.wanted(), it_.how);
    }

    net::awaitable<void> note_baseline()
    {
        const auto measured = co_await why_.baselines->of(it_.wanted(), it_.how);
        auto& process = *it_.seen.process;
        if (measured.connections) {
            process.baseline = measured.connections;
            process.baseline_source = baseline_source::measured;
            co_return;
        }
        it_.seen.warnings.push_back(fmt::format(
            "What its successes leave open could not be measured ({}); {}.",
            measured.why_not,
            it_.how.baseline ? fmt::format("its recipe's {} is taken", *it_.how.baseline)
                             : "whatever is complete and at rest is taken for pooled"
        ));
    }

    /// One more request with the same client, where it can be asked for one.
    net::awaitable<void> ask_whether_it_works()
    {
        if (!it_.how.is_driver || !it_.client->lives() || it_.wanted().by == kill_method::stop ||
            it_.wanted().at == kill_point::resolve || it_.wanted().at == kill_point::connect)
            co_return;
        const bool in_its_call = !it_.is_complete() && !it_.client->is_done();
        it_.set->make_origin_healthy();
        (void)it_.client->tell("health"); // ignoring: no answer is an answer as well
        const bool said =
            co_await it_.until_said(it_.client->healthy(), clock::now() + health_limit);
        // One that is still in its call, with its connection open, could not hear it.
        if (said || !in_its_call || !all_.is_any_open())
            works_ = said && it_.client->says_healthy();
    }

    /// A program that holds still until it is told to go on is told so.
    net::awaitable<void> release()
    {
        if (it_.how.release_hold.empty() || !it_.client->is_done())
            co_return;
        (void)it_.client->tell(it_.how.release_hold
        ); // ignoring: it is ended soon, if it reads or not
        co_await it_.until_said(it_.client->ended(), clock::now() + external::grace);
    }

    /// As it is now; at the first look for good: what it does once the origin has let go is no
    /// part of how it took its kill.
    void note_process()
    {
        if (!it_.client)
            return;
        auto& out = it_.seen.process.emplace();
        out.pid = it_.client->pid();
        out.command = it_.client->command();
        out.ended = it_.client->how_it_ended();
        out.lives = it_.client->lives();
        out.is_done = it_.client->is_done();
        // A driver's number is for want of a better one, and for one that lives.
        if (it_.how.baseline && (!it_.how.is_driver || it_.client->lives())) {
            out.baseline = it_.how.baseline;
            out.baseline_source = baseline_source::recipe;
        }
        out.zombie_fds = counts_.zombies();
        out.new_zombie_fds = counts_.new_zombies();
        out.extra_requests = counts_.extra_requests();
    }

    scene_maker& maker_;
    run_purpose why_;
    external::experiment it_;
    external::watched_connections all_{it_};
    external::before_and_after counts_{it_, all_};
    bool measures_ = false;
    std::optional<bool> works_;
};

} // namespace

net::awaitable<report> run_external(
    net::io_context& io,
    scene_maker& maker,
    plan what,
    std::string id,
    subject::client_order how,
    run_purpose why
)
{
    external_run one(io, maker, std::move(what), std::move(id), std::move(how), why);
    co_return co_await one.go();
}

} // namespace finwait
