// The daemon is killed at any moment: what was told to be stored is there, and the file is whole.
#include "tests/unit/daemon/history/fixture.hpp"

#include <array>
#include <random>
#include <set>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace finwait;
using namespace finwait::daemon;
using sample::text;

namespace {

/// Audits without an end, which tells the id of each report that was stored; until it is killed.
[[noreturn]] void store_for_ever(const history_settings& how, int told)
{
    boost::asio::io_context io(1);
    const auto past = history::open(io, how, [](const std::string&) {});
    for (;;) {
        const audit done = sample::named(
            "nightly", {sample::cell(kill_point::idle, kill_method::close), sample::finding()}
        );
        past->begin({.id = done.id, .name = done.name, .started = done.started, .planned = 2});
        for (const report& each : done.reports)
            past->add(done.id, each, json::dump(each), [id = each.id, told](bool is_stored) {
                if (is_stored && ::write(told, id.data(), id.size()) < 0)
                    ::_exit(1);
            });
        past->end(done);
        io.restart();
        io.poll();
    }
}

/// Starts it, kills it after so many reports were told of, and gives those.
std::set<std::string> killed_after(const history_settings& how, unsigned reports)
{
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const ::pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        (void)::close(ends[0]);
        try {
            store_for_ever(how, ends[1]);
        } catch (const std::exception&) {
            ::_exit(2);
        }
    }
    (void)::close(ends[1]);
    std::string said;
    std::array<char, 26> part{};
    ::ssize_t got = 1;
    while (said.size() < reports * 26UL && got > 0)
        if (got = ::read(ends[0], part.data(), part.size()); got > 0)
            said.append(part.data(), static_cast<std::size_t>(got));
    (void)::kill(child, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    while ((got = ::read(ends[0], part.data(), part.size())) > 0)
        said.append(part.data(), static_cast<std::size_t>(got));
    (void)::close(ends[0]);
    std::set<std::string> ids;
    for (std::size_t i = 0; i + 26 <= said.size(); i += 26)
        ids.insert(said.substr(i, 26));
    return ids;
}

} // namespace

TEST_SUITE_BEGIN("daemon/history/kills");

TEST_CASE("no report that was told to be stored is lost by SIGKILL, and the file is whole")
{
    const sample::folder folder;
    const auto how = sample::in(folder);
    std::mt19937 random(4711); // NOLINT(cert-msc32-c,cert-msc51-cpp): the same each time
    std::set<std::string> told;
    for (int round = 0; round < 20; ++round) {
        told.merge(killed_after(how, 1 + static_cast<unsigned>(random() % 200)));
        sample::opened past(how);
        past->check(); // looks through all of it, since it was not stopped
        past.settle();
        CHECK(past->state().check == health_check{});
        for (const std::string& id : told)
            REQUIRE(past->report(id));
        CHECK(sample::all_pages(web::report_query{}, [&](const auto& next) {
                  return past->reports(next);
              }).size() >= told.size());
    }
    CHECK(told.size() > 20);
}

TEST_CASE("an audit whose end nobody told is ended as interrupted at the next start")
{
    const sample::folder folder;
    const auto how = sample::in(folder);
    audit running = sample::named(
        "nightly",
        {sample::cell(kill_point::idle, kill_method::close),
         sample::finding(),
         sample::control(verdict::leaked)}
    );
    const auto said = sample::in_child([&]() -> std::string {
        sample::opened past(how);
        past.begin(running);
        past->set_environment(running.id, running.environment);
        for (const report& each : running.reports)
            past.add(running, each);
        past.settle();
        ::_exit(0); // without a destructor
    });
    CHECK(said.empty());
    sample::opened past(how);
    past.poll();
    CHECK(past.log.size() == 1);
    const auto read = json::parse_audit(text(past->latest_audit()));
    REQUIRE(read);
    CHECK(read->interrupted);
    running.interrupted = true;
    conclude(running);
    running.took_ns = read->took_ns; // until the last thing that is known
    CHECK(*read == running);
    CHECK(past->finding_counts().new_ones == 1);
    past.reopen();
    CHECK(past->finding_counts().new_ones == 1);
    CHECK(past->audits({}).items.size() == 1);
}

TEST_SUITE_END();
