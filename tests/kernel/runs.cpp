// Whole probes in the lab: client, peer and kernel agree on what a kill did.
#include "probe/client/alone.hpp"
#include "probe/lab/lab.hpp"
#include "probe/model/possible.hpp"
#include "probe/run.hpp"
#include "probe/ulid.hpp"

#define DOCTEST_CONFIG_NO_POSIX_SIGNALS
#define DOCTEST_CONFIG_IMPLEMENT
#include <boost/asio/co_spawn.hpp>
#include <doctest/doctest.h>

#include <iostream>
#include <string>
#include <vector>

using namespace finwait;

namespace {

const lab::place* here = nullptr;

report run_one(const plan& what, isolation how = isolation::each)
{
    net::io_context io{1};
    const auto with = prober::make(io, *here, how, {"/proc/self/exe", "client"});
    report found;
    net::co_spawn(
        io,
        with->run(what, make_ulid(std::chrono::system_clock::now())),
        [&](std::exception_ptr thrown, report made) {
            if (thrown)
                std::rethrow_exception(thrown);
            found = std::move(made);
            io.stop();
        }
    );
    io.run();
    return found;
}

plan plan_of(kill_point at, kill_method by)
{
    plan out;
    out.at = at;
    out.by = by;
    return completed(out);
}

const end& client_of(const report& found)
{
    REQUIRE(found.connections.size() == 1);
    REQUIRE(found.connections.front().client);
    return *found.connections.front().client;
}

const end& origin_of(const report& found)
{
    REQUIRE(found.connections.size() == 1);
    REQUIRE(found.connections.front().origin);
    return *found.connections.front().origin;
}

std::int64_t counted(const report& found, const char* name)
{
    REQUIRE(found.counters);
    const auto one = found.counters->find(name);
    REQUIRE(one != found.counters->end());
    return one->second;
}

} // namespace

TEST_SUITE("probe/run")
{
    TEST_CASE("a close that the peer answers ends in TIME_WAIT, and the port stays taken")
    {
        const auto found = run_one(plan_of(kill_point::await_response, kill_method::close));
        CHECK(found.verdict == verdict::released);
        CHECK(found.end_state == tcp_state::TIME_WAIT);
        CHECK(found.as_expected);
        const auto& client = client_of(found);
        REQUIRE(client.after_kill);
        CHECK(client.after_kill->state == tcp_state::FIN_WAIT2);
        CHECK(client.after_kill->minisock);
        CHECK_FALSE(client.after_kill->owned);
        REQUIRE(client.after_origin);
        CHECK(client.after_origin->state == tcp_state::TIME_WAIT);
        CHECK(client.after_origin->timer == tcp_timer::timewait);
        CHECK(client.port.bindable_after_origin == false);
        CHECK(client.port.error == "EADDRINUSE");
        REQUIRE(origin_of(found).after_kill);
        CHECK(origin_of(found).after_kill->state == tcp_state::CLOSE_WAIT);
        CHECK(counted(found, "TCPTimeWaited") == 1);
        CHECK(counted(found, "OutRsts") == 0);
    }

    TEST_CASE("unread bytes make a close a reset: gone at once, the port free")
    {
        auto what = plan_of(kill_point::response_body, kill_method::close);
        what.unread = true;
        const auto found = run_one(what);
        CHECK(found.verdict == verdict::released);
        CHECK(found.end_state == tcp_state::CLOSE);
        const auto& client = client_of(found);
        CHECK(client.unread_at_kill_bytes > 0);
        CHECK(client.port.bindable_after_kill == true);
        CHECK(counted(found, "TCPAbortOnClose") == 1);
        CHECK(counted(found, "TCPTimeWaited") == 0);
    }

    TEST_CASE("session tickets have the same effect")
    {
        auto what = plan_of(kill_point::request_headers, kill_method::close);
        what.tls = true;
        const auto found = run_one(what);
        CHECK(found.end_state == tcp_state::CLOSE);
        CHECK(client_of(found).unread_at_kill_bytes > 0);
        CHECK(counted(found, "TCPAbortOnClose") == 1);
    }

    TEST_CASE("every way of dying inside the client is a real one")
    {
        for (const auto by :
             {kill_method::throw_,
              kill_method::cancel,
              kill_method::deadline,
              kill_method::shutdown_close,
              kill_method::reset}) {
            CAPTURE(word(by));
            const auto found = run_one(plan_of(kill_point::await_response, by));
            CHECK(found.verdict == verdict::released);
            CHECK(found.as_expected);
            CHECK(found.kill.happened);
            CHECK_FALSE(found.process);
        }
    }

    TEST_CASE("a process really dies, and its wait status says how")
    {
        const auto found = run_one(plan_of(kill_point::response_body, kill_method::sigkill));
        REQUIRE(found.process);
        CHECK(found.process->ended == "signal 9");
        CHECK_FALSE(found.process->lives);
        CHECK(found.kill.confirmed_by == "wait status: signal 9");
        CHECK(found.verdict == verdict::released);
    }

    TEST_CASE("a stopped process holds its connection")
    {
        const auto found = run_one(plan_of(kill_point::await_response, kill_method::stop));
        CHECK(found.verdict == verdict::held);
        REQUIRE(found.process);
        CHECK(found.process->lives);
        CHECK(client_of(found).after_origin->state == tcp_state::CLOSE_WAIT);
    }

    TEST_CASE("the controls are caught, with their holders")
    {
        const auto abandoned = run_one(plan_of(kill_point::await_response, kill_method::abandon));
        CHECK(is_caught(abandoned));
        REQUIRE(client_of(abandoned).holders.size() == 1);
        CHECK(client_of(abandoned).after_origin->state == tcp_state::CLOSE_WAIT);

        const auto inherited = run_one(plan_of(kill_point::idle, kill_method::inherit));
        CHECK(is_caught(inherited));
        REQUIRE(client_of(inherited).holders.size() == 1);
        CHECK(client_of(inherited).holders.front().fd == 3);
        CHECK(client_of(inherited).holders.front().command.find("hold") != std::string::npos);
    }

    TEST_CASE(
        "a destroyed socket leaves a descriptor that no listing shows, until the client closes"
    )
    {
        const auto found = run_one(plan_of(kill_point::idle, kill_method::sock_destroy));
        const auto& client = client_of(found);
        REQUIRE(client.after_kill);
        CHECK(client.after_kill->state == tcp_state::CLOSE);
        CHECK(client.after_kill->owned);
        REQUIRE(client.after_origin);
        CHECK_FALSE(client.after_origin->owned);
        CHECK(found.verdict == verdict::released);
        CHECK(found.kill.happened);
    }

    TEST_CASE("an upload behind a closed window drains after the kill while the origin stalls")
    {
        plan what;
        what.at = kill_point::request_body;
        what.by = kill_method::sigkill;
        what.blocked = true;
        what.after = after_action::stall;
        const auto found = run_one(completed(what));
        CHECK(found.verdict == verdict::draining);
        const auto& client = client_of(found);
        REQUIRE(client.after_kill);
        CHECK(client.after_kill->state == tcp_state::FIN_WAIT1);
        CHECK(client.after_kill->timer == tcp_timer::probe0);
        CHECK(client.unsent_at_kill_bytes > 0);
        CHECK(found.connections.front().gone_by_ns > 100'000'000'000);
    }

    TEST_CASE("a name lookup that is killed leaves no socket")
    {
        for (const auto by : {kill_method::cancel, kill_method::throw_, kill_method::sigterm}) {
            CAPTURE(word(by));
            const auto found = run_one(plan_of(kill_point::resolve, by));
            CHECK(found.connections.empty());
            CHECK(found.verdict == verdict::released);
            CHECK_FALSE(found.end_state);
            CHECK(found.kill.happened);
        }
    }

    TEST_CASE("what the origin does afterwards decides the end")
    {
        auto what = plan_of(kill_point::await_response, kill_method::close);
        what.after = after_action::answer; // a response to a socket in FIN_WAIT2: reset
        CHECK(run_one(what).end_state == tcp_state::CLOSE);
        what.after = after_action::reset;
        CHECK(run_one(what).end_state == tcp_state::CLOSE);
        what.after = after_action::stall;
        CHECK(run_one(what).verdict == verdict::draining);
    }

    TEST_CASE("IPv6 is no different")
    {
        auto what = plan_of(kill_point::idle, kill_method::close);
        what.family = address_family::ipv6;
        const auto found = run_one(what);
        CHECK(found.end_state == tcp_state::TIME_WAIT);
        CHECK(client_of(found).local.family == address_family::ipv6);
    }

    TEST_CASE("in a shared namespace there are no counters, and a warning says so")
    {
        const auto found =
            run_one(plan_of(kill_point::idle, kill_method::close), isolation::shared);
        CHECK_FALSE(found.counters);
        REQUIRE(found.warnings.size() == 1);
        for (const auto* what : {"counters", "port", "FIN_WAIT1"})
            CHECK(found.warnings.front().find(what) != std::string::npos);
        CHECK(found.end_state == tcp_state::TIME_WAIT);
    }

    TEST_CASE("the timelines have no gaps and say who saw them")
    {
        const auto found = run_one(plan_of(kill_point::idle, kill_method::close));
        for (const auto* one : {&client_of(found), &origin_of(found)}) {
            REQUIRE_FALSE(one->states.empty());
            for (std::size_t i = 1; i < one->states.size(); ++i) {
                CHECK(one->states[i - 1].to_ns == one->states[i].from_ns);
                CHECK(one->states[i].uncertain_ns > 0);
            }
            CHECK_FALSE(one->states.back().to_ns);
        }
    }

    TEST_CASE("an impossible plan is unverified, with the reason")
    {
        const auto found = run_one(plan_of(kill_point::idle_peer_closed, kill_method::peer_close));
        CHECK(found.verdict == verdict::unverified);
        REQUIRE_FALSE(found.reasons.empty());
        CHECK(found.reasons.front().code == "impossible_plan");
    }
}

int main(int argc, char** argv)
{
    // The client's own process is this program again.
    if (argc > 1 && std::string(argv[1]) == "client")
        return client::main_alone(std::vector<std::string>(argv + 2, argv + argc));
    const auto place = lab::place::enter(lab::wanted::namespaces);
    if (place.environment().lab != lab_kind::namespace_) {
        std::cout << "SKIP: " << place.environment().not_run.front().reason << '\n';
        return 77;
    }
    here = &place;
    return doctest::Context(argc, argv).run();
}
