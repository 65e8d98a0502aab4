// Reports, audits and environments as JSON, and back.
#include "tests/support/samples.hpp"
#include "web/json/json.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace finwait;

namespace {

/// Both ways: the struct comes back, and its text comes back.
template <class T, class Parse>
void check_round_trip(const T& what, Parse parse)
{
    const auto text = json::dump(what);
    CAPTURE(text);
    const auto back = parse(text);
    REQUIRE_MESSAGE(back, back.error().field, ": ", back.error().detail);
    CHECK((*back == what));
    CHECK(json::dump(*back) == text);
}

/// `text` with one key's value replaced by JSON text, or removed when that is empty.
std::string
with(const std::string& text, const nlohmann::json::json_pointer& where, const std::string& wanted)
{
    auto all = nlohmann::json::parse(text);
    if (wanted.empty())
        all[where.parent_pointer()].erase(where.back());
    else
        all[where] = nlohmann::json::parse(wanted);
    return all.dump();
}

} // namespace

TEST_SUITE_BEGIN("web/json");

TEST_CASE("a report comes back as it was")
{
    check_round_trip(samples::rich(), json::parse_report);
    check_round_trip(samples::minimal(), json::parse_report);
}

TEST_CASE("a report has the keys of the documentation, in its order")
{
    auto r = samples::minimal();
    r.plan.at = kill_point::request_body;
    r.plan.by = kill_method::sigkill;
    r.plan.method = "POST";
    r.plan.request = {framing::length, 65536};
    r.kill = {true, "wait status: signal 9", 1830422};
    connection c;
    c.client = samples::client_end();
    c.client->states.erase(c.client->states.begin(), c.client->states.begin() + 3);
    c.client->holders.clear();
    c.verdict = verdict::released;
    c.end_state = tcp_state::TIME_WAIT;
    c.gone_by_ns = 67595000000;
    r.connections = {c};
    r.process = process_record{.pid = 4711, .command = {"finwait", "client"}, .ended = "signal 9"};
    r.counters = counter_deltas{{"TCPTimeWaited", 1}};
    r.verdict = verdict::released;
    r.end_state = tcp_state::TIME_WAIT;
    r.expected = {{verdict::released}, tcp_state::TIME_WAIT};
    r.as_expected = true;
    r.reasons = {{"fin_exchange", "text", "RFC 9293 3.6"}};
    CHECK(
        json::dump(r) ==
        R"({"schema":"finwait.report/1","id":"01KG9BZ4W37V8ZJ1QYXR5S2T6N",)"
        R"("started":"2026-01-31T12:00:00.123456Z","took_ns":0,"control":false,)"
        R"("plan":{"at":"request_body","by":"sigkill","subject":"beast","target":"origin",)"
        R"("family":"ipv4","tls":false,"unread":false,"blocked":false,"position":0.5,)"
        R"("request":{"method":"POST","framing":"length","body_bytes":65536},)"
        R"("response":{"framing":"length","body_bytes":65536},)"
        R"("requests":1,"signal_to":"leader","after":"close"},)"
        R"("kill":{"happened":true,"confirmed_by":"wait status: signal 9","at_ns":1830422},)"
        R"("connections":[{"client":{"cookie":"0x1001","local":"127.0.0.1:41312",)"
        R"("peer":"127.0.0.1:42555","inode":4026,)"
        R"("unread_at_kill_bytes":3,"unsent_at_kill_bytes":5,"timeline":[)"
        R"({"state":"TIME_WAIT","from_ns":61000000,"to_ns":null,"uncertain_ns":400000,)"
        R"("owned":false,"minisock":true,"source":"sock_diag"}],)"
        R"("after_kill":{"state":"FIN_WAIT2","owned":false,"minisock":true,"timer":"timewait",)"
        R"("expires_ms":59990,"rqueue":0,"wqueue":0,"retransmits":0,"at_ns":3000000},)"
        R"("after_origin":{"state":"TIME_WAIT","owned":false,"minisock":true,)"
        R"("timer":"timewait","expires_ms":59998,"rqueue":1,"wqueue":2,"retransmits":7,)"
        R"("at_ns":62000000},)"
        R"("port":{"bindable_after_kill":false,"bindable_after_origin":null,)"
        R"("error":"EADDRINUSE"},"holders":[]},"origin":null,)"
        R"("request_bytes":0,"response_bytes":0,"complete":false,)"
        R"("verdict":"released","end":"TIME_WAIT","gone_by_ns":67595000000}],)"
        R"("process":{"pid":4711,"command":["finwait","client"],"ended":"signal 9",)"
        R"("lives":false,"done":false,"baseline":null,"baseline_source":null,"zombie_fds":0,)"
        R"("new_zombie_fds":0,"extra_requests":0,"works":null,"output":""},)"
        R"("counters":{"TCPTimeWaited":1},"verdict":"released","end":"TIME_WAIT",)"
        R"("expected":{"verdicts":["released"],"end":"TIME_WAIT"},"as_expected":true,)"
        R"("reasons":[{"code":"fin_exchange","text":"text","source":"RFC 9293 3.6"}],)"
        R"("warnings":[]})"
    );
}

TEST_CASE("what is absent is null, what is empty is empty")
{
    const auto all = nlohmann::json::parse(json::dump(samples::minimal()));
    CHECK(all["process"].is_null());
    CHECK(all["counters"].is_null());
    CHECK(all["end"].is_null());
    CHECK(all["kill"]["at_ns"].is_null());
    CHECK(all["expected"]["end"].is_null());
    CHECK(all["connections"] == nlohmann::json::array());
    auto r = samples::minimal();
    r.counters.emplace();
    CHECK(nlohmann::json::parse(json::dump(r))["counters"] == nlohmann::json::object());
    check_round_trip(r, json::parse_report);
}

TEST_CASE("bytes of a peer that are no UTF-8 become U+FFFD, also in a key")
{
    auto r = samples::minimal();
    r.process.emplace();
    r.process->output = "a\xFF\xC3(z";
    r.counters = counter_deltas{{"\x80", 1}};
    const auto back = json::parse_report(json::dump(r));
    REQUIRE(back);
    CHECK(back->process->output == "a\xEF\xBF\xBD\xEF\xBF\xBD(z");
    CHECK(back->counters->count("\xEF\xBF\xBD") == 1);
}

TEST_CASE("each key of a report is needed, and its type is checked")
{
    const auto text = json::dump(samples::rich());
    struct row
    {
        std::string_view where;
        std::string_view becomes;
        std::string_view field;
    };
    constexpr row rows[] = {
        {"/schema", "\"finwait.report/2\"", "schema"},
        {"/schema", "", "schema"},
        {"/id", "", "id"},
        {"/id", "7", "id"},
        {"/started", "\"2026-02-30T12:00:00Z\"", "started"},
        {"/took_ns", "1.0", "took_ns"},
        {"/took_ns", "true", "took_ns"},
        {"/took_ns", "\"1\"", "took_ns"},
        {"/took_ns", "9223372036854775808", "took_ns"},
        {"/took_ns", "null", "took_ns"},
        {"/control", "1", "control"},
        {"/plan/request/framing", "\"chunky\"", "plan.request.framing"},
        {"/plan/position", "\"0.5\"", "plan.position"},
        {"/kill/at_ns", "1.5", "kill.at_ns"},
        {"/kill/at_ns", "", "kill.at_ns"},
        {"/connections", "{}", "connections"},
        {"/connections/0/client/cookie", "4097", "connections[0].client.cookie"},
        {"/connections/0/client/cookie", "\"1001\"", "connections[0].client.cookie"},
        {"/connections/0/client/cookie", "\"0x\"", "connections[0].client.cookie"},
        {"/connections/0/client/cookie", "\"0x1g\"", "connections[0].client.cookie"},
        {"/connections/0/client/cookie", "\"0x10000000000000000\"", "connections[0].client.cookie"},
        {"/connections/0/client/local", "\"127.0.0.1\"", "connections[0].client.local"},
        {"/connections/0/client/inode", "4294967296", "connections[0].client.inode"},
        {"/connections/0/client/inode", "-1", "connections[0].client.inode"},
        {"/connections/0/client/timeline/3/state",
         "\"TIME-WAIT\"",
         "connections[0].client.timeline[3].state"},
        {"/connections/0/client/timeline/1/to_ns", "", "connections[0].client.timeline[1].to_ns"},
        {"/connections/0/client/holders/1/fd", "1e3", "connections[0].client.holders[1].fd"},
        {"/connections/0/client/port/error", "null", "connections[0].client.port.error"},
        {"/connections/0/client/after_kill/timer",
         "\"tw\"",
         "connections[0].client.after_kill.timer"},
        {"/connections/1/verdict", "\"lost\"", "connections[1].verdict"},
        {"/process/command", "\"finwait\"", "process.command"},
        {"/process/works", "\"no\"", "process.works"},
        {"/counters/CurrEstab", "\"2\"", "counters.CurrEstab"},
        {"/expected/verdicts/1", "\"\"", "expected.verdicts[1]"},
        {"/reasons/0/source", "", "reasons[0].source"},
        {"/warnings/0", "null", "warnings[0]"},
        {"/warnings", "", "warnings"},
        {"/extra", "1", "extra"},
        {"/connections/0/extra", "1", "connections[0].extra"},
    };
    for (const auto& each : rows) {
        CAPTURE(each.where);
        CAPTURE(each.becomes);
        const auto back = json::parse_report(with(
            text, nlohmann::json::json_pointer(std::string(each.where)), std::string(each.becomes)
        ));
        REQUIRE_FALSE(back);
        CHECK(back.error().field == each.field);
        CHECK_FALSE(back.error().detail.empty());
    }
}

TEST_CASE("an audit comes back as it was, interrupted or not")
{
    auto a = samples::whole_audit();
    check_round_trip(a, json::parse_audit);
    CHECK(json::dump(a).find("interrupted") == std::string::npos);
    a.interrupted = true;
    check_round_trip(a, json::parse_audit);
    CHECK(
        json::dump(a).find(R"("outcome":"void","interrupted":true,"summary")") != std::string::npos
    );
    a.reports.clear();
    check_round_trip(a, json::parse_audit);
}

TEST_CASE("an audit's summary names every verdict in the documented order")
{
    audit a;
    a.summary = {{verdict::leaked, 2}};
    CHECK(
        json::dump(a).find(
            R"("summary":{"released":0,"draining":0,"held":0,"leaked":2,"unverified":0},)"
            R"("controls":{"planned":0,"caught":0},"findings":[],"environment":{"kernel":"",)"
            R"("lab":"host","not_run":[],"sysctls":{},"capabilities":[],"observers":[]},)"
            R"("reports":[]})"
        ) != std::string::npos
    );
}

TEST_CASE("a brief audit is the audit without its reports")
{
    auto whole = nlohmann::json::parse(json::dump(samples::whole_audit()));
    whole.erase("reports");
    CHECK(nlohmann::json::parse(json::dump_brief(samples::whole_audit())) == whole);
}

TEST_CASE("an environment comes back as it was, and lines are told apart by their schema")
{
    const auto environment = samples::whole_audit().environment;
    check_round_trip(environment, json::parse_environment);
    using json::kind_of;
    using json::line_kind;
    CHECK(kind_of(json::dump(environment)) == line_kind::environment);
    CHECK(kind_of(json::dump(samples::rich())) == line_kind::report);
    CHECK(kind_of(json::dump_error(1, {}, {"at", "no"})) == line_kind::error);
    CHECK(kind_of(json::dump(samples::whole_audit())) == line_kind::unknown);
    CHECK(kind_of(R"({"schema":"finwait.report/10"})") == line_kind::unknown);
    CHECK(kind_of("") == line_kind::unknown);
}

TEST_CASE("an error line has its field, its detail and the id, if there was one")
{
    const auto text = json::dump_error(3, std::nullopt, {"at", "no kill point \"x\""});
    CHECK(
        text == R"({"schema":"finwait.error/1","line":3,"field":"at",)"
                R"("detail":"no kill point \"x\"","id":null})"
    );
    const auto back = json::parse_error_line(json::dump_error(4, "ID", {"by", "no"}));
    REQUIRE(back);
    CHECK(back->line == 4);
    CHECK(back->id == "ID");
    CHECK(back->why.field == "by");
    CHECK(back->why.detail == "no");
}

TEST_CASE("a matrix counts the reports of equal plans as one cell")
{
    auto a = samples::whole_audit();
    a.reports = {samples::minimal(), samples::minimal(), samples::rich()};
    a.reports[1].id = "second";
    a.reports[1].verdict = verdict::released;
    a.reports[1].end_state = tcp_state::CLOSE;
    a.reports[1].as_expected = true;
    const auto matrix = nlohmann::json::parse(json::dump_matrix(a));
    CHECK(matrix["schema"] == "finwait.matrix/1");
    CHECK(matrix["audit"] == a.id);
    REQUIRE(matrix["cells"].size() == 2);
    CHECK(matrix["subjects"].size() == 2);
    const auto& own = matrix["cells"][1];
    CHECK(own["at"] == "request_body");
    CHECK(own["control"] == true);
    const auto& both = matrix["cells"][0];
    CHECK(both["reports"] == nlohmann::json({a.reports[0].id, "second"}));
    CHECK(both["verdicts"]["unverified"] == 1);
    CHECK(both["verdicts"]["released"] == 1);
    CHECK(both["verdicts"]["leaked"] == 0);
    CHECK(both["verdict"] == "unverified");
    CHECK(both["end"].is_null());
    CHECK(both["as_expected"] == false);
}

TEST_CASE("a matrix has the cells of several clients apart, each client's together")
{
    auto a = samples::whole_audit();
    a.reports.assign(6, samples::minimal());
    const char* subjects[] = {"curl", "requests:kept", "curl", "requests", "beast", "requests-x"};
    for (std::size_t i = 0; i < a.reports.size(); ++i) {
        a.reports[i].id = std::to_string(i);
        a.reports[i].plan.subject = subjects[i];
    }
    const auto text = json::dump_matrix(a);
    const auto whole = nlohmann::json::parse(text);
    CHECK(whole["subjects"] == nlohmann::json({"beast", "curl", "requests", "requests-x"}));
    const auto ids = [](const nlohmann::json& of) {
        std::string out;
        for (const auto& cell : of["cells"])
            out += cell["reports"].dump();
        return out;
    };
    CHECK(ids(whole) == R"(["4"]["0","2"]["3"]["1"]["5"])");
}

TEST_SUITE_END();
