// What was written is read again: as it was, in order, page by page, by every filter.
#include "tests/unit/daemon/history/fixture.hpp"

#include <algorithm>
#include <random>

using namespace finwait;
using namespace finwait::daemon;
using sample::text;
using sample::texts;

namespace {

/// The same in a file and in memory.
struct both_kinds
{
    sample::folder folder;
    sample::opened in_file{sample::in(folder)};
    sample::opened in_memory;

    template <class Check>
    void each(Check check)
    {
        SUBCASE("in a file")
        {
            check(in_file);
        }
        SUBCASE("in memory")
        {
            check(in_memory);
        }
    }
};

audit mixed(const std::string& name = "nightly")
{
    return sample::named(
        name,
        {sample::cell(kill_point::idle, kill_method::close),
         sample::finding(),
         sample::control(verdict::leaked)}
    );
}

} // namespace

TEST_SUITE_BEGIN("daemon/history/reading");

TEST_CASE_FIXTURE(both_kinds, "an empty history knows nothing")
{
    each([](sample::opened& none) {
        CHECK_FALSE(none->latest_audit());
        CHECK_FALSE(none->audit(sample::new_id()));
        CHECK_FALSE(none->report(sample::new_id()));
        CHECK_FALSE(none->matrix({}));
        CHECK_FALSE(none->diff(sample::new_id(), sample::new_id()));
        CHECK_FALSE(none->last());
        CHECK(none->audits({}).items.empty());
        CHECK(none->reports({}).items.empty());
        CHECK(none->findings({}).items.empty());
        CHECK_FALSE(none->reports({}).next);
        CHECK(none->finding_counts() == finding_counts{});
        CHECK(none->state().unstored == 0);
    });
}

TEST_CASE_FIXTURE(both_kinds, "an audit and its reports come back byte for byte")
{
    each([](sample::opened& past) {
        const audit done = mixed();
        past.store(done);
        CHECK(past.stored == 3);
        REQUIRE(past->audit(done.id));
        CHECK(text(past->audit(done.id)) == json::dump(done));
        CHECK(text(past->latest_audit()) == json::dump(done));
        CHECK(text(past->matrix({})) == json::dump_matrix(done));
        CHECK(text(past->matrix({.audit = done.id})) == json::dump_matrix(done));
        CHECK(texts(past->audits({})) == std::vector{json::dump_brief(done)});
        for (const report& each : done.reports)
            CHECK(text(past->report(each.id)) == json::dump(each));
        const auto last = past->last("nightly");
        REQUIRE(last);
        CHECK(
            *last ==
            last_audit{
                done.id, outcome::findings, done.started + std::chrono::nanoseconds(done.took_ns)}
        );
        CHECK(past->last() == last);
        CHECK_FALSE(past->last("daily"));
    });
}

TEST_CASE("what is stored is there after a restart, and the place is private")
{
    const sample::folder folder;
    sample::opened past(sample::in(folder));
    const audit done = mixed();
    past.store(done);
    past.reopen();
    CHECK(text(past->audit(done.id)) == json::dump(done));
    CHECK(past->finding_counts().new_ones == 1);
    CHECK(past->state().check == health_check{});
    CHECK(past->state().bytes > 0);
    for (const auto& each : std::filesystem::directory_iterator(folder.path()))
        CHECK(
            (each.status().permissions() & std::filesystem::perms(077)) ==
            std::filesystem::perms::none
        );
    past.close();
    CHECK_FALSE(std::filesystem::exists(folder.path() + "/history.db-wal"));
}

TEST_CASE_FIXTURE(both_kinds, "an audit that has not ended is unknown but for its reports")
{
    each([](sample::opened& past) {
        const audit running = mixed();
        past.begin(running);
        past.add(running, running.reports[0]);
        past.settle();
        CHECK_FALSE(past->audit(running.id));
        CHECK_FALSE(past->matrix({.audit = running.id}));
        CHECK(past->audits({}).items.empty());
        CHECK(past->report(running.reports[0].id));
        web::report_query of_it;
        of_it.audit = running.id;
        CHECK(past->reports(of_it).items.size() == 1);
    });
}

TEST_CASE("a name that an audit began with is the name it has, and a report is stored once")
{
    sample::opened past;
    audit done = mixed();
    past.begin(done);
    for (const report& each : done.reports) {
        past.add(done, each);
        past.add(done, each);
    }
    audit nameless = done;
    nameless.name.clear();
    past->end(nameless);
    CHECK(text(past->audit(done.id)) == json::dump(done));
    CHECK(text(past->matrix({})) == json::dump_matrix(done));
}

TEST_CASE_FIXTURE(both_kinds, "audits go from the newest to the oldest, page by page")
{
    each([](sample::opened& past) {
        std::vector<std::string> briefs;
        for (int i = 0; i < 5; ++i) {
            auto done =
                i % 2 == 0
                    ? mixed()
                    : sample::named("daily", {sample::cell(kill_point::idle, kill_method::reset)});
            if (i == 3)
                done.reports[0].plan.target = "http://127.0.0.1:1/";
            past.store(done);
            briefs.insert(briefs.begin(), json::dump_brief(done));
        }
        auto page = past->audits({{.limit = 2}});
        CHECK(texts(page) == std::vector{briefs[0], briefs[1]});
        page = past->audits({{.limit = 2, .older_than = page.next}});
        CHECK(texts(page) == std::vector{briefs[2], briefs[3]});
        page = past->audits({{.limit = 2, .older_than = page.next}});
        CHECK(texts(page) == std::vector{briefs[4]});
        CHECK_FALSE(page.next);
        CHECK_FALSE(past->audits({{.limit = 5}}).next);
        CHECK(past->audits({{}, outcome::findings, {}, {}}).items.size() == 3);
        CHECK(past->audits({{}, outcome::void_, {}, {}}).items.empty());
        CHECK(past->audits({{}, {}, "daily", {}}).items.size() == 2);
        CHECK(past->audits({{}, outcome::findings, "daily", {}}).items.empty());
        CHECK(past->audits({{}, {}, {}, "origin"}).items.size() == 4);
        CHECK(texts(past->audits({{}, {}, {}, "http://127.0.0.1:1/"})) == std::vector{briefs[1]});
        CHECK(past->audits({{}, {}, "nightly", "http://127.0.0.1:1/"}).items.empty());
    });
}

TEST_CASE_FIXTURE(both_kinds, "the latest is the one that ended last, whatever the clock said")
{
    each([](sample::opened& past) {
        const audit ahead = sample::shifted(mixed(), std::chrono::hours(24));
        const audit probes = sample::shifted(mixed(std::string(single_probe)), {});
        const audit now = mixed();
        const audit other = sample::shifted(mixed("daily"), -std::chrono::hours(24));
        for (const audit* const next : {&ahead, &now, &other, &probes})
            past.store(*next);
        CHECK(text(past->latest_audit()) == json::dump(other));
        CHECK(text(past->matrix({})) == json::dump_matrix(other));
        CHECK(past->last()->id == other.id);
        CHECK(past->last("nightly")->id == now.id);
        CHECK(past->last("daily")->id == other.id);
        CHECK(past->last(single_probe)->id == probes.id);
    });
}

TEST_CASE("a single probe is no audit, unless it is asked for")
{
    sample::opened past;
    const audit done = mixed();
    past.store(done);
    const audit probe = mixed(std::string(single_probe));
    past.store(probe);
    CHECK(text(past->latest_audit()) == json::dump(done));
    CHECK(past->last()->id == done.id);
    CHECK(texts(past->audits({})) == std::vector{json::dump_brief(done)});
    CHECK(
        texts(past->audits({{}, {}, std::string(single_probe), {}})) ==
        std::vector{json::dump_brief(probe)}
    );
    CHECK(past->audit(probe.id));
    CHECK(past->report(probe.reports[0].id));
    CHECK(past->reports({}).items.size() == 6);
    CHECK(past->finding_counts().new_ones == 1);
}

TEST_CASE("reports are found by any mixture of filters, whatever the limit")
{
    const sample::folder folder;
    sample::opened past(sample::in(folder));
    std::mt19937 random(4711); // NOLINT(cert-msc32-c,cert-msc51-cpp): the same each time
    const auto one_of = [&](const auto& values) {
        return values[random() % std::size(values)];
    };
    const std::vector points{kill_point::idle, kill_point::request_body, kill_point::connect};
    const std::vector methods{kill_method::close, kill_method::reset, kill_method::abandon};
    const std::vector<std::string> subjects{"beast", "curl"};
    const std::vector<std::string> targets{"origin", "http://127.0.0.1:1/"};
    const std::vector verdicts{verdict::released, verdict::leaked, verdict::unverified};
    struct known
    {
        std::string audit;
        report what;
    };
    std::vector<known> all;
    for (int i = 0; i < 6; ++i) {
        std::vector<report> reports;
        for (int n = 0; n < 60; ++n) {
            auto made = sample::cell(one_of(points), one_of(methods), one_of(verdicts));
            made.plan.subject = one_of(subjects);
            made.plan.target = one_of(targets);
            made.as_expected = random() % 2 == 0;
            reports.push_back(made);
        }
        const audit done = sample::named("nightly", reports);
        past.store(done);
        for (const auto& each : done.reports)
            all.push_back({done.id, each});
    }
    std::sort(all.begin(), all.end(), [](const known& a, const known& b) {
        return a.what.id > b.what.id;
    });
    for (int round = 0; round < 400; ++round) {
        web::report_query wanted;
        wanted.limit = 1 + random() % 100;
        if (random() % 3 == 0)
            wanted.audit = one_of(all).audit;
        if (random() % 3 == 0)
            wanted.subject = one_of(subjects);
        if (random() % 3 == 0)
            wanted.target = one_of(targets);
        if (random() % 3 == 0)
            wanted.at = one_of(points);
        if (random() % 3 == 0)
            wanted.by = one_of(methods);
        if (random() % 3 == 0)
            wanted.verdict = one_of(verdicts);
        if (random() % 3 == 0)
            wanted.as_expected = random() % 2 == 0;
        std::vector<std::string> expected;
        for (const known& each : all)
            if ((!wanted.audit || *wanted.audit == each.audit) &&
                (!wanted.subject || *wanted.subject == each.what.plan.subject) &&
                (!wanted.target || *wanted.target == each.what.plan.target) &&
                (!wanted.at || *wanted.at == each.what.plan.at) &&
                (!wanted.by || *wanted.by == each.what.plan.by) &&
                (!wanted.verdict || *wanted.verdict == each.what.verdict) &&
                (!wanted.as_expected || *wanted.as_expected == each.what.as_expected))
                expected.push_back(json::dump(each.what));
        const auto found = sample::all_pages(wanted, [&](const web::report_query& next) {
            return past->reports(next);
        });
        REQUIRE(found == expected);
    }
}

TEST_CASE("a cursor need not exist")
{
    sample::opened past;
    const audit done = mixed();
    past.store(done);
    web::report_query wanted;
    wanted.older_than = done.reports[1].id;
    wanted.older_than->back() = wanted.older_than->back() == '0' ? '1' : '0';
    CHECK(past->reports(wanted).items.size() <= 2);
    wanted.older_than = "00000000000000000000000000";
    CHECK(past->reports(wanted).items.empty());
    wanted.older_than = "7ZZZZZZZZZZZZZZZZZZZZZZZZZ";
    CHECK(past->reports(wanted).items.size() == 3);
}

TEST_CASE("what is asked for is a value, never SQL")
{
    sample::opened past;
    const audit done = mixed();
    past.store(done);
    for (const std::string words :
         {"' OR '1'='1",
          "\"; DROP TABLE reports; --",
          "%",
          "_",
          "\\",
          "",
          "?",
          "nightly'--",
          ")"}) {
        web::report_query reports;
        reports.subject = words;
        CHECK(past->reports(reports).items.empty());
        reports = {};
        reports.audit = words;
        CHECK(past->reports(reports).items.empty());
        CHECK(past->audits({{}, {}, words, {}}).items.empty());
        CHECK(past->audits({{}, {}, {}, words}).items.empty());
        CHECK(past->findings({{}, {}, words}).items.empty());
        CHECK_FALSE(past->report(words));
        CHECK_FALSE(past->audit(words));
        CHECK_FALSE(past->diff(words, words));
        CHECK_FALSE(past->matrix({.audit = words}));
    }
    CHECK(past->reports({}).items.size() == 3);
}

TEST_CASE("a matrix can be a part of one")
{
    sample::opened past;
    auto other = sample::cell(kill_point::idle, kill_method::reset);
    other.plan.subject = "curl";
    other.plan.target = "http://127.0.0.1:1/";
    other.plan.request.how = framing::chunked;
    const audit done =
        sample::named("nightly", {sample::cell(kill_point::idle, kill_method::close), other});
    past.store(done);
    audit part = done;
    part.reports.erase(part.reports.begin());
    CHECK(text(past->matrix({.subject = "curl"})) == json::dump_matrix(part));
    CHECK(text(past->matrix({.target = "http://127.0.0.1:1/"})) == json::dump_matrix(part));
    CHECK(text(past->matrix({.request_framing = framing::chunked})) == json::dump_matrix(part));
    part.reports.clear();
    CHECK(text(past->matrix({.subject = "wget"})) == json::dump_matrix(part));
}

TEST_CASE("a matrix counts repetitions, and names the end only when it is one")
{
    sample::opened past;
    auto closed = sample::cell(kill_point::idle, kill_method::close);
    closed.end_state = tcp_state::CLOSE;
    const audit done = sample::named(
        "nightly",
        {sample::cell(kill_point::idle, kill_method::close),
         closed,
         sample::cell(kill_point::idle, kill_method::close, verdict::draining)}
    );
    past.store(done);
    CHECK(text(past->matrix({})) == json::dump_matrix(done));
}

TEST_CASE("the largest audits are shown without all of their reports")
{
    sample::opened past;
    std::vector<report> reports;
    for (int i = 0; i < 90; ++i) {
        auto large = sample::cell(kill_point::idle, kill_method::sigkill);
        large.process = process_record{};
        large.process->output = std::string(100'000, 'x');
        reports.push_back(large);
    }
    const audit done = sample::named("nightly", reports);
    const sample::folder folder;
    sample::opened large(sample::in(folder));
    large.store(done);
    const auto whole = text(large->audit(done.id));
    CHECK(whole.size() < 9 * mebibyte);
    const auto read = json::parse_audit(whole);
    REQUIRE(read);
    CHECK(read->reports.size() + read->reports_left_out == 90);
    CHECK(read->reports_left_out > 0);
    web::report_query wanted;
    wanted.audit = done.id;
    wanted.limit = 100;
    CHECK(large->reports(wanted).items.size() < 90); // a page is bounded, too
    CHECK(sample::all_pages(wanted, [&](const auto& next) {
              return large->reports(next);
          }).size() == 90);
}

TEST_SUITE_END();
