// Lists and documents take as long with many reports as with few. Counted in steps of SQLite's
// machine: the same on every computer.
#include "daemon/history/reader.hpp"
#include "daemon/history/record_keeper.hpp"
#include "daemon/history/schema.hpp"
#include "tests/unit/daemon/history/fixture.hpp"

using namespace finwait;
using namespace finwait::daemon;

namespace {

class filled
{
public:
    explicit filled(int audits) : opened_(":memory:", database::access::read_write)
    {
        set_up_writer(opened_);
        migrate(opened_);
        open_audits open;
        record_keeper keeper(opened_, open);
        const transaction all(opened_);
        for (int i = 0; i < audits; ++i) {
            auto done = sample::named(
                i % 2 == 0 ? "nightly" : "hourly",
                {sample::cell(kill_point::idle, kill_method::close),
                 sample::cell(kill_point::idle, kill_method::reset),
                 sample::cell(kill_point::connect, kill_method::close),
                 sample::cell(kill_point::connect, kill_method::reset, verdict::unverified),
                 sample::control(verdict::leaked)}
            );
            if (i == audits / 2) { // one in all that list
                done.reports[0] = sample::finding();
                done.reports[0].id = sample::new_id();
                conclude(done);
            }
            for (const report& each : done.reports)
                keeper.begin({done.id, done.name, done.started, 5}),
                    keeper.add(row_of(done.id, each, json::dump(each)));
            keeper.end(row_of(done));
            if (i == audits / 2)
                middle = done.id;
            latest = done.id;
        }
        opened_.run("COMMIT");
    }

    template <class Ask>
    std::uint64_t steps(Ask ask)
    {
        std::uint64_t counted = 0;
        ask(history_reader(opened_)); // prepares its statements
        opened_.ask_every(1, [&] {
            ++counted;
            return false;
        });
        ask(history_reader(opened_));
        opened_.ask_every(0, {});
        return counted;
    }

    std::string middle;
    std::string latest;

private:
    database opened_;
};

} // namespace

TEST_SUITE_BEGIN("daemon/history/many");

TEST_CASE("no question costs more with forty times the reports")
{
    filled few(50);
    filled many(2000);
    const auto compare = [&](const char* what, auto ask) {
        INFO(what);
        const auto cheap = few.steps([&](const history_reader& from) { ask(from, few); });
        const auto dear = many.steps([&](const history_reader& from) { ask(from, many); });
        CHECK(cheap > 0);
        CHECK(dear <= cheap * 2);
    };
    using reader = const history_reader&;
    compare("reports", [](reader from, const filled&) { (void)from.reports({}); });
    compare("reports in the middle", [](reader from, const filled& of) {
        web::report_query wanted;
        wanted.older_than = of.middle;
        (void)from.reports(wanted);
    });
    compare("reports by kill point", [](reader from, const filled&) {
        web::report_query wanted;
        wanted.at = kill_point::connect;
        (void)from.reports(wanted);
    });
    compare("the one leak", [](reader from, const filled&) {
        web::report_query wanted;
        wanted.verdict = verdict::leaked;
        wanted.as_expected = false;
        CHECK(from.reports(wanted).items.size() == 1);
    });
    compare("reports that are not there", [](reader from, const filled&) {
        web::report_query wanted;
        wanted.subject = "wget";
        CHECK(from.reports(wanted).items.empty());
    });
    compare("reports of an audit", [](reader from, const filled& of) {
        web::report_query wanted;
        wanted.audit = of.middle;
        CHECK(from.reports(wanted).items.size() == 5);
    });
    compare("audits", [](reader from, const filled&) { (void)from.audits({}); });
    compare("audits by name", [](reader from, const filled&) {
        (void)from.audits({{}, {}, "hourly", {}});
    });
    compare("audits with findings", [](reader from, const filled&) {
        CHECK(from.audits({{}, outcome::findings, {}, {}}).items.size() == 1);
    });
    compare("audits of a target", [](reader from, const filled&) {
        (void)from.audits({{}, {}, {}, "origin"});
    });
    compare("an audit", [](reader from, const filled& of) { CHECK(from.audit(of.middle)); });
    compare("the latest audit", [](reader from, const filled&) { CHECK(from.latest_audit()); });
    compare("the last of a name", [](reader from, const filled&) { CHECK(from.last("hourly")); });
    compare("the last of all", [](reader from, const filled&) { CHECK(from.last({})); });
    compare("a matrix", [](reader from, const filled&) { CHECK(from.matrix({})); });
    compare("a difference", [](reader from, const filled& of) {
        CHECK(from.diff(of.latest, of.middle));
    });
    compare("findings", [](reader from, const filled&) {
        CHECK(from.findings({}).items.size() == 1);
    });
    compare("how many findings", [](reader from, const filled&) { (void)from.finding_counts(); });
}

TEST_SUITE_END();
