// No room: audits go on, the state says so, nothing is damaged, and storing goes on by itself.
#include "daemon/history/reader.hpp"
#include "tests/unit/daemon/history/fixture.hpp"

#include <array>
#include <fstream>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace finwait;
using namespace finwait::daemon;
using sample::text;

namespace {

audit some()
{
    auto large = sample::cell(kill_point::idle, kill_method::sigkill);
    large.process = process_record{};
    large.process->output = std::string(4000, 'x');
    std::vector<report> reports(20, large);
    reports.push_back(sample::finding());
    return sample::named("nightly", reports);
}

report sound()
{
    return sample::cell(kill_point::request_body, kill_method::close);
}

plan leaking_at(int which)
{
    constexpr std::array points{kill_point::idle, kill_point::connect, kill_point::response_body};
    return sample::cell(points.at(static_cast<std::size_t>(which)), kill_method::close).plan;
}

/// Goes through one shortage; gives what was not as it should be. `shorten` and `relieve` make and
/// end it.
template <class Shorten, class Relieve>
std::string
live_through(const history_settings& how, const Shorten& shorten, const Relieve& relieve)
{
    sample::opened past(how);
    const auto before = some();
    past.store(before);
    if (past.lost != 0 || !past->audit(before.id))
        return "lost something before";
    shorten();
    audit meanwhile;
    for (int i = 0; i < 200 && past.lost == 0; ++i) {
        meanwhile = some();
        past.store(meanwhile);
    }
    if (past.lost == 0)
        return "there was room all the time";
    const auto during = past->state();
    if (during.check.status != health::warn || during.unstored != past.lost)
        return "the state does not say it: " + during.check.detail;
    if (!past->audit(before.id) || !past->report(before.reports[3].id))
        return "what was there cannot be read any more";
    relieve();
    // It tries by itself and logs that it can; the end of the audit is made good with it.
    if (!past.wait_until([&] { return past->state().check.status == health::pass; }))
        return "it does not go on: " + past->state().check.detail;
    if (!past->audit(meanwhile.id))
        return "the end of the audit was not made good";
    const auto after = some();
    const auto lost = past.lost;
    past.store(after);
    if (past.lost != lost || text(past->audit(after.id)) != json::dump(after))
        return "it does not store again";
    past.reopen();
    past->check();
    past.settle();
    if (past->state().check != health_check{})
        return "the file is not whole: " + past->state().check.detail;
    if (!past->audit(before.id) || !past->audit(after.id))
        return "something is gone after a restart";
    return {};
}

void limit_files_to(::rlim_t bytes)
{
    const ::rlimit limit{bytes, RLIM_INFINITY};
    (void)::setrlimit(RLIMIT_FSIZE, &limit);
}

bool write_text(const char* file, const std::string& text)
{
    std::ofstream out(file);
    out << text << std::flush;
    return out.good();
}

/// A file system of two MiB in namespaces of this process; false: it may not.
bool mount_small(const std::string& where)
{
    const auto uid = ::getuid();
    const auto gid = ::getgid();
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
        return false;
    (void)write_text("/proc/self/setgroups", "deny");
    const auto map = [](unsigned id) {
        return "0 " + std::to_string(id) + " 1";
    };
    return write_text("/proc/self/uid_map", map(uid)) &&
           write_text("/proc/self/gid_map", map(gid)) &&
           ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("finwait", where.c_str(), "tmpfs", 0, "size=2m") == 0;
}

/// Takes all the room that is left.
void fill_up(const std::string& file)
{
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    for (const std::size_t part : {65536UL, 4096UL, 1UL}) {
        const std::string bytes(part, 'x');
        while (::write(fd, bytes.data(), bytes.size()) > 0) {
        }
    }
    (void)::close(fd);
}

} // namespace

TEST_SUITE_BEGIN("daemon/history/room");

TEST_CASE("files that may not grow")
{
    const sample::folder folder;
    const auto said = sample::in_child([&] {
        (void)::signal(SIGXFSZ, SIG_IGN);
        return live_through(
            sample::in(folder),
            [] { limit_files_to(300'000); },
            [] { limit_files_to(RLIM_INFINITY); }
        );
    });
    CHECK(said == "");
}

TEST_CASE("a full disk")
{
    const sample::folder folder;
    const auto said = sample::in_child([&]() -> std::string {
        if (!mount_small(folder.path()))
            return "(no right)";
        const auto ballast = folder.path() + "/ballast";
        return live_through(
            sample::in(folder), [&] { fill_up(ballast); }, [&] { (void)::unlink(ballast.c_str()); }
        );
    });
    if (said == "(no right)") {
        MESSAGE("not tried: no right to mount a small file system");
        return;
    }
    CHECK(said == "");
}

TEST_CASE("a finding that was made while the disk was full begins its life")
{
    const sample::folder folder;
    const auto said = sample::in_child([&]() -> std::string {
        if (!mount_small(folder.path()))
            return "(no right)";
        const auto ballast = folder.path() + "/ballast";
        sample::opened past(sample::in(folder));
        past.store(sample::named("hourly", {sample::finding()}));
        const auto half = sample::named("hourly", {sound(), sound()});
        past.begin(half);
        past.add(half, half.reports[0]);
        past.settle();
        fill_up(ballast);
        past.add(half, half.reports[1]);
        past->end(half);
        // More than is kept whole of what cannot be written.
        std::vector<audit> leaks;
        for (int i = 0; i < 3; ++i) {
            if (i == 2) // there is room for an end, and none for the findings before it
                (void)::unlink(ballast.c_str());
            auto found = sample::finding();
            found.process = process_record{};
            found.process->output = std::string(2'050'000, 'x');
            found.plan = leaking_at(i);
            past.store(leaks.emplace_back(sample::named("nightly " + std::to_string(i), {found})));
        }
        if (past.lost != 4 || past->state().check.status != health::warn)
            return "there was room";
        (void)::mount("finwait", folder.path().c_str(), "tmpfs", MS_REMOUNT, "size=32m");
        if (!past.wait_until([&] { return past->state().check.status == health::pass; }))
            return "it does not go on: " + past->state().check.detail;
        // The one of which a report was lost does not say that there is none any more.
        if (past->finding_counts() != finding_counts{.new_ones = 4})
            return "open findings: " + std::to_string(past->open_findings());
        if (!past->report(leaks[0].reports[0].id) || !past->report(leaks[1].reports[0].id) ||
            past->report(leaks[2].reports[0].id))
            return "other reports than fit are there";
        for (const audit& each : leaks)
            if (text(past->findings({{}, {}, each.name}).items.at(0)).find(each.reports[0].id) ==
                std::string::npos)
                return "not the finding";
        return {};
    });
    if (said == "(no right)") {
        MESSAGE("not tried: no right to mount a small file system");
        return;
    }
    CHECK(said == "");
}

TEST_CASE("a disk that is full from the beginning")
{
    const sample::folder folder;
    const auto said = sample::in_child([&]() -> std::string {
        if (!mount_small(folder.path()))
            return "(no right)";
        const auto ballast = folder.path() + "/ballast";
        fill_up(ballast);
        sample::opened past(sample::in(folder));
        past.poll();
        if (past.log.size() != 1)
            return "it does not log it";
        if (past->latest_audit() || past->last() || !past->reports({}).items.empty())
            return "it remembers what has not been";
        const auto done = some();
        past.store(done);
        if (past.lost != done.reports.size() || past->state().check.status != health::warn)
            return "it does not say so: " + past->state().check.detail;
        (void)::unlink(ballast.c_str());
        if (!past.wait_until([&] { return past->state().check.status == health::pass; }))
            return "it does not begin to store: " + past->state().check.detail;
        if (!past->audit(done.id) || past->open_findings() != 1)
            return "what it owed was not made good";
        const auto after = some();
        past.store(after);
        if (text(past->audit(after.id)) != json::dump(after))
            return "it does not store";
        past.reopen();
        return past->audit(after.id) ? "" : "it was not in the file";
    });
    if (said == "(no right)") {
        MESSAGE("not tried: no right to mount a small file system");
        return;
    }
    CHECK(said == "");
}

TEST_CASE("a disk that is full at a later start: what was stored can be read")
{
    const sample::folder folder;
    const auto said = sample::in_child([&]() -> std::string {
        if (!mount_small(folder.path()))
            return "(no right)";
        const auto ballast = folder.path() + "/ballast";
        const auto before = some();
        sample::opened past(sample::in(folder));
        past.store(before);
        past.close();
        fill_up(ballast);
        past.reopen();
        if (!past->audit(before.id) || !past->last() || past->last()->id != before.id)
            return "what was there cannot be read";
        if (past->state().check.status != health::warn)
            return "it does not say so";
        if (past->open_findings() != 1)
            return "it does not know what was found";
        past->check();
        past.settle();
        (void)::unlink(ballast.c_str());
        if (!past.wait_until([&] { return past->state().check.status == health::pass; }))
            return "it does not go on: " + past->state().check.detail;
        const auto after = some();
        past.store(after);
        if (!past->audit(before.id) || !past->audit(after.id))
            return "it does not store";
        past.settle(); // in the loop it was told that it could be opened
        return history_file(folder.path() + "/history.db").read().noted("inspected")
                   ? ""
                   : "it was not looked through";
    });
    if (said == "(no right)") {
        MESSAGE("not tried: no right to mount a small file system");
        return;
    }
    CHECK(said == "");
}

TEST_SUITE_END();
