// The table and the whole text of an audit, as golden texts.
#include "daemon/grid.hpp"

#include "daemon/audit_view.hpp"
#include "daemon/printable.hpp"
#include "tests/unit/daemon/sample.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

using namespace finwait;
using namespace finwait::daemon;
using sample::cell;
using sample::concluded;
using sample::control;
using sample::finding;

namespace {

std::vector<report> a_bit_of_everything()
{
    auto closed = cell(kill_point::idle, kill_method::close);
    closed.end_state = tcp_state::CLOSE;
    return {
        cell(kill_point::idle, kill_method::close),
        closed,
        control(verdict::leaked),
        control(verdict::leaked),
        cell(kill_point::idle, kill_method::stop, verdict::held),
        cell(kill_point::request_body, kill_method::close),
        finding(),
        cell(kill_point::request_body, kill_method::stop, verdict::draining),
        cell(kill_point::request_body, kill_method::stop, verdict::unverified)};
}

std::size_t widest_line(const std::string& text)
{
    std::istringstream in(text);
    std::size_t widest = 0;
    for (std::string line; std::getline(in, line);)
        widest = std::max(widest, columns_of(line));
    return widest;
}

bool says(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_SUITE_BEGIN("daemon/grid");

TEST_CASE("a field shows the worst of its cells, by sign, word, end and count")
{
    CHECK(
        grid(a_bit_of_everything(), {}) ==
        "                 close            abandon (c)  stop\n"
        "request_body ×2  ▲ leaked 1/2 !   –            ? unverified 1/2\n"
        "idle ×2          ✓ released TW/C  ▲ leaked     ■ held ×1\n"
        "\n"
        "ends in TW: TIME_WAIT, C: CLOSE   (c): a control, which leaks on purpose   ×4: four cells "
        "each   1/4: one of four, the others milder   !: not as expected   –: not run\n"
    );
}

TEST_CASE("no line of a full matrix is wider than asked for")
{
    std::vector<report> reports;
    for (const kill_point at : all_of<kill_point>())
        for (const kill_method by : all_of<kill_method>())
            for (int i = 0; i < 4; ++i)
                reports.push_back(cell(at, by, i == 3 ? verdict::unverified : verdict::released));
    for (const std::size_t width : {60U, 80U, 104U, 160U}) {
        CAPTURE(width);
        const std::string text = grid(reports, {.width = width});
        const std::string table = text.substr(0, text.find("ends in TW"));
        CHECK(widest_line(table) <= width);
        CHECK(says(table, "peer_silent"));
    }
}

TEST_CASE("without colour there is no escape sequence, with it every one is ended")
{
    CHECK_FALSE(says(grid(a_bit_of_everything(), {}), "\x1b"));
    const std::string colored = grid(a_bit_of_everything(), {.use_color = color::on});
    const auto count = [&](std::string_view what) {
        std::size_t found = 0;
        for (auto at = colored.find(what); at != std::string::npos; at = colored.find(what, at + 1))
            ++found;
        return found;
    };
    CHECK(count("\x1b[0m") > 5);
    CHECK(count("\x1b[") == 2 * count("\x1b[0m"));
}

TEST_CASE("each client has its own table, and its misuses stand below")
{
    auto reports = a_bit_of_everything();
    CHECK_FALSE(says(grid(reports, {}), "beast"));
    auto other = sample::cell(kill_point::await_response, kill_method::own);
    other.plan.subject = "curl";
    reports.push_back(other);
    other.plan.subject = "curl:kept";
    other.control = true;
    other.verdict = verdict::leaked;
    other.end_state.reset();
    reports.push_back(other);
    other.plan.subject = "curl:dropped";
    other.verdict = verdict::released;
    reports.push_back(other);
    const auto text = grid(reports, {});
    CHECK(text.starts_with("beast\n"));
    CHECK(says(text, "\ncurl\n"));
    const auto curl = text.substr(text.find("\ncurl\n"));
    CHECK(says(curl, "✓ released TW\n"));
    CHECK(says(curl, "control curl:kept, await_response by own: ▲ leaked, caught\n"));
    CHECK(says(curl, "control curl:dropped, await_response by own: ✓ released, NOT caught !\n"));
    CHECK_FALSE(says(curl, "1/3"));
    reports.assign(1, other);
    CHECK(says(grid(reports, {}), "NOT caught"));
}

TEST_CASE("no reports, no table")
{
    CHECK(grid({}, {}).empty());
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("daemon/audit_view");

TEST_CASE("what needs a look is told with its reasons and the command that repeats it")
{
    auto escaped = control(verdict::released);
    escaped.reasons.push_back({"fin_exchange", "It \x1b[2J closed.", ""});
    audit done = concluded({finding(), escaped, a_bit_of_everything().back()});
    done.environment.not_run.push_back({"sock_destroy", "no right", "CAP_NET_ADMIN"});
    const std::string text = show(done, {});
    CHECK(says(text, "Escaped controls: this audit proves nothing (1)\n"));
    CHECK(says(text, "Findings (1)\n  ▲ leaked  request_body by close, expected released\n"));
    CHECK(says(text, "    owned_fin_wait2: Nobody closes it. [tcp(7)]\n"));
    CHECK(says(text, "    finwait probe --at request_body --by close\n"));
    CHECK(says(text, "Could not be judged (1)\n"));
    CHECK(says(text, "  – sock_destroy: no right\n    cure: CAP_NET_ADMIN\n"));
    CHECK(says(text, "It \\x1b[2J closed."));
    CHECK_FALSE(says(text, "\x1b"));
    CHECK(text.ends_with(
        "\nvoid: 3 cells in 2.10 s: 0 released, 0 draining, 0 held, 1 unverified, 1 leaked; "
        "0 of 1 controls caught; 1 findings; lab: namespace, Linux 6.1.0\n"
    ));
}

TEST_CASE("cells that tell the same story are one entry")
{
    auto second = finding();
    second.plan.tls = true;
    const std::string text = show(concluded({finding(), second}), {});
    CHECK(says(text, "Findings (2)\n"));
    const auto first = text.find("owned_fin_wait2");
    CHECK(text.find("owned_fin_wait2", first + 1) == std::string::npos);
    CHECK(says(text, "  http\n"));
    CHECK(says(text, "  https\n"));
}

TEST_CASE("an interrupted audit says so")
{
    audit done;
    done.interrupted = true;
    conclude(done);
    CHECK(summary_line(done).starts_with("interrupted, so far unverified: 0 cells"));
}

TEST_SUITE_END();
