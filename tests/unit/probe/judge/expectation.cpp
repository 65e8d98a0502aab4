// What is expected of every plan.
#include "tests/unit/probe/judge/samples.hpp"

using namespace finwait;
using namespace finwait::judge;
using namespace finwait::judge::samples;
using enum kill_point;
using enum tcp_state;

namespace {

using by = kill_method;

/// One cell, by hand: the rules of probe/judge/close_rules.hpp that give it.
struct cell
{
    const char* rules;
    kill_point at;
    kill_method how;
    const char* circumstances; ///< of tls, unread, blocked, and the action after the first look
    verdict expected;
    std::optional<tcp_state> end;
};

bool says(const cell& each, std::string_view what)
{
    return std::string_view(each.circumstances).find(what) != std::string_view::npos;
}

plan plan_of(const cell& each)
{
    plan made;
    made.at = each.at;
    made.by = each.how;
    made.tls = says(each, "tls");
    made.unread = says(each, "unread");
    made.blocked = says(each, "blocked");
    for (const after_action after : all_of<after_action>())
        if (says(each, word(after)))
            made.after = after;
    return completed(made);
}

constexpr auto released = verdict::released;
constexpr auto draining = verdict::draining;

const cell cells[] = {
    {"none", resolve, by::throw_, "", released, {}},
    {"none", resolve, by::cancel, "tls", released, {}},
    {"none", resolve, by::sigkill, "", released, {}},
    {"none", resolve, by::stop, "", released, {}},
    {"18", connect, by::close, "", released, CLOSE},
    {"18", connect, by::deadline, "", released, CLOSE},
    {"18", connect, by::shutdown_close, "", released, CLOSE},
    {"18", connect, by::reset, "", released, CLOSE},
    {"18, 24", connect, by::sigkill, "tls", released, CLOSE},
    {"19b, 20", connect, by::sock_destroy, "", released, CLOSE},
    {"18", connect, by::close, "stall", released, CLOSE},
    {"9, 1", connected, by::close, "", released, TIME_WAIT},
    {"9, 1", connected, by::close, "tls", released, TIME_WAIT},
    {"9", connected, by::close, "stall", draining, {}},
    {"9, 17", connected, by::close, "reset", released, CLOSE},
    {"9, 1", connected, by::close, "answer", released, TIME_WAIT},
    {"9, 1 or 12", connected, by::close, "answer tls", released, {}},
    {"5", connected, by::reset, "", released, CLOSE},
    {"3", connected, by::peer_close, "", released, CLOSE},
    {"20", connected, by::peer_reset, "", released, CLOSE},
    {"9, 1", connected, by::peer_silent, "", released, TIME_WAIT},
    {"9", connected, by::peer_silent, "stall", draining, {}},
    {"9, 1", tls_handshake, by::deadline, "tls", released, TIME_WAIT},
    {"9, 12 or 1", tls_handshake, by::close, "tls answer", released, {}},
    {"9, 1", request_headers, by::throw_, "", released, TIME_WAIT},
    {"9, 1", request_headers, by::throw_, "answer", released, TIME_WAIT},
    {"27, 2", request_headers, by::throw_, "tls", released, CLOSE},
    {"27, 2", request_headers, by::sigterm, "tls stall", released, CLOSE},
    {"27, 8", request_headers, by::shutdown_close, "tls", released, CLOSE},
    {"27, 6", request_headers, by::reset, "tls", released, CLOSE},
    {"27, 2", request_headers, by::peer_silent, "tls", released, CLOSE},
    {"3", request_headers, by::peer_close, "tls", released, CLOSE},
    {"9, 1", request_body, by::cancel, "", released, TIME_WAIT},
    {"27, 2", request_body, by::cancel, "tls", released, CLOSE},
    {"9, 1", request_body, by::cancel, "answer", released, TIME_WAIT},
    {"13, 21", request_body, by::close, "blocked", released, CLOSE},
    {"13, 21", request_body, by::sigkill, "blocked", released, CLOSE},
    {"13", request_body, by::sigkill, "blocked stall", draining, {}},
    {"7, 13", request_body, by::shutdown_close, "blocked stall", draining, {}},
    {"13, 1", request_body, by::close, "blocked answer", released, TIME_WAIT},
    {"13, 21", request_body, by::close, "blocked reset", released, CLOSE},
    {"27, 2", request_body, by::close, "blocked tls stall", released, CLOSE},
    {"5", request_body, by::reset, "blocked", released, CLOSE},
    {"21, 20", request_body, by::peer_close, "blocked", released, CLOSE},
    {"13", request_body, by::peer_silent, "blocked stall", draining, {}},
    {"13, 21", request_body, by::peer_silent, "blocked", released, CLOSE},
    {"9, 1", expect_continue, by::exit, "", released, TIME_WAIT},
    {"9, 1", expect_continue, by::exit, "tls", released, TIME_WAIT},
    {"9, 1 or 12", expect_continue, by::exit, "answer", released, {}},
    {"9, 12", expect_continue, by::exit, "answer tls", released, CLOSE},
    {"9, 1", await_response, by::sigint, "", released, TIME_WAIT},
    {"9, 1", await_response, by::sigint, "tls", released, TIME_WAIT},
    {"9, 12", await_response, by::sigint, "answer", released, CLOSE},
    {"9, 12", await_response, by::peer_silent, "answer", released, CLOSE},
    {"9, 17", await_response, by::sigint, "reset", released, CLOSE},
    {"9", await_response, by::sigint, "stall", draining, {}},
    {"19a, 20", await_response, by::sock_destroy, "", released, CLOSE},
    {"19a, 20", await_response, by::sock_destroy, "stall", released, CLOSE},
    {"9, 1", response_headers, by::close, "", released, TIME_WAIT},
    {"2", response_headers, by::close, "unread", released, CLOSE},
    {"2", response_headers, by::close, "unread stall tls", released, CLOSE},
    {"9, 12", response_headers, by::close, "answer", released, CLOSE},
    {"9, 1", response_body, by::close, "", released, TIME_WAIT},
    {"9, 1", response_body, by::close, "tls", released, TIME_WAIT},
    {"2", response_body, by::sigkill, "unread", released, CLOSE},
    {"8", response_body, by::shutdown_close, "unread", released, CLOSE},
    {"6", response_body, by::reset, "unread", released, CLOSE},
    {"4", response_body, by::peer_close, "unread", released, CLOSE},
    {"20", response_body, by::peer_reset, "unread", released, CLOSE},
    {"2", response_body, by::peer_silent, "unread", released, CLOSE},
    {"9, 12", response_body, by::close, "answer", released, CLOSE},
    {"9, 1", idle, by::close, "", released, TIME_WAIT},
    {"9, 1", idle, by::close, "tls", released, TIME_WAIT},
    {"9, 1", idle, by::close, "answer", released, TIME_WAIT},
    {"9, 28, 12", idle, by::close, "answer tls", released, CLOSE},
    {"5", idle, by::reset, "", released, CLOSE},
    {"3", idle_peer_closed, by::close, "", released, CLOSE},
    {"3", idle_peer_closed, by::close, "tls", released, CLOSE},
    {"3, 24", idle_peer_closed, by::sigterm, "", released, CLOSE},
    {"17", idle_peer_closed, by::reset, "", released, CLOSE},
    {"17, 20", idle_peer_closed, by::sock_destroy, "", released, CLOSE},
    {"7, 3", idle_peer_closed, by::shutdown_close, "", released, CLOSE},
    {"9, 1", tls_shutdown, by::close, "tls", released, TIME_WAIT},
    {"9, 12", tls_shutdown, by::close, "tls answer", released, CLOSE},
    {"9", tls_shutdown, by::close, "tls stall", draining, {}},
    {"16", idle_peer_closed, by::abandon, "", verdict::leaked, {}},
    {"16", idle_peer_closed, by::stop, "", verdict::held, {}},
    {"25", await_response, by::inherit, "", verdict::leaked, {}},
    {"none", connect, by::abandon, "", verdict::leaked, {}},
    {"none", connect, by::stop, "", verdict::held, {}},
    {"none", await_response, by::stop, "reset", verdict::held, {}},
    {"none", response_body, by::abandon, "unread reset", verdict::leaked, {}},
};

bool allows(const expectation& expected, verdict what)
{
    return std::ranges::find(expected.verdicts, what) != expected.verdicts.end();
}

bool is_process_end(kill_method how)
{
    return family_of(how) == kill_family::process && how != by::stop;
}

} // namespace

TEST_SUITE_BEGIN("probe/judge/expectation");

TEST_CASE("the important cells are what the close rules say")
{
    for (const cell& each : cells) {
        const plan done = plan_of(each);
        CAPTURE(in_words(done));
        CAPTURE(each.rules);
        CHECK_FALSE(why_impossible(done));
        CHECK(expected_of(done) == expectation{{each.expected}, each.end});
    }
}

TEST_CASE("every possible plan has an expectation, and judging what it foresees meets it")
{
    std::size_t count = 0;
    std::size_t failures = 0;
    for_every_possible([&](const plan& done) {
        ++count;
        const expectation expected = expected_of(done);
        bool good = !expected.verdicts.empty();
        for (const course& how : courses_of(done)) {
            const judgement made = judged(foreseen_report(done, how));
            const bool explained = !made.reasons.empty() &&
                                   !has_code(made.reasons, "unexpected_end") &&
                                   !has_code(made.reasons, "differs_from_expectation");
            good = good && made.expected == expected && made.as_expected && explained &&
                   made.kill.happened && made.warnings.empty();
            if (!good && ++failures < 10)
                FAIL_CHECK(
                    in_words(done),
                    ": ",
                    word(made.verdict),
                    " ",
                    made.reasons.empty() ? "no reason" : made.reasons.front().code
                );
        }
    });
    CHECK(failures == 0);
    CHECK(count > 5'000);
}

TEST_CASE("controls are expected to leak, and nothing else is")
{
    for_every_possible([](const plan& done) {
        const expectation expected = expected_of(done);
        const bool control = is_control(done.by);
        const bool good = control ? expected == expectation{{verdict::leaked}, {}}
                                  : !allows(expected, verdict::leaked);
        if (!good)
            FAIL_CHECK(in_words(done));
    });
}

TEST_CASE("no expectation allows unverified, and only a stopped process may be held")
{
    for_every_possible([](const plan& done) {
        const expectation expected = expected_of(done);
        const bool stopped = done.by == by::stop && done.at != resolve;
        if (allows(expected, verdict::unverified) || allows(expected, verdict::held) != stopped)
            FAIL_CHECK(in_words(done));
    });
}

TEST_CASE("an expected end goes with released alone, and is CLOSE or TIME_WAIT")
{
    for_every_possible([](const plan& done) {
        const expectation expected = expected_of(done);
        if (!expected.end_state)
            return;
        const bool good = expected.verdicts == std::vector{verdict::released} &&
                          (expected.end_state == CLOSE || expected.end_state == TIME_WAIT);
        if (!good)
            FAIL_CHECK(in_words(done));
    });
}

TEST_CASE("all graceful ways to end are one: rule 24 and 7")
{
    for_every_possible([](const plan& done) {
        const bool graceful = is_process_end(done.by) || done.by == by::throw_ ||
                              done.by == by::cancel || done.by == by::deadline ||
                              done.by == by::shutdown_close;
        if (!graceful || done.at == resolve)
            return;
        plan closed = done;
        closed.by = by::close;
        if (expected_of(done) != expected_of(closed))
            FAIL_CHECK(in_words(done));
    });
}

TEST_CASE("a reset, a destroyed socket and a reset by the peer never leave TIME_WAIT")
{
    for_every_possible([](const plan& done) {
        const bool abrupt =
            done.by == by::reset || done.by == by::sock_destroy || done.by == by::peer_reset;
        const bool waited_first = done.by == by::peer_close;
        if ((abrupt || waited_first) &&
            expected_of(done) != expectation{{verdict::released}, CLOSE})
            FAIL_CHECK(in_words(done));
    });
}

TEST_CASE("TLS matters where tickets are unread or a close_notify is written, nowhere else")
{
    for_every_possible([](const plan& done) {
        plan plain = done;
        plain.tls = false;
        if (!done.tls || done.target != "origin" || why_impossible(plain))
            return;
        const bool tickets = done.at == request_headers || done.at == request_body;
        if (!tickets && done.after != after_action::answer &&
            expected_of(done) != expected_of(plain))
            FAIL_CHECK(in_words(done));
    });
}

TEST_CASE("framing, family, HTTP method and position do not change the expectation")
{
    for_every_possible([](const plan& done) {
        plan changed = done;
        changed.family = address_family::ipv6;
        changed.position = 0.9;
        if (changed.response.how == framing::length)
            changed.response.how = framing::chunked;
        if (changed.request.how == framing::length)
            changed.request.how = framing::chunked;
        changed.method = "PUT";
        if (expected_of(done) != expected_of(changed))
            FAIL_CHECK(in_words(done));
    });
}

TEST_CASE("unread data always ends in CLOSE when the client closes")
{
    for_every_possible([](const plan& done) {
        if (done.unread && !is_control(done.by) && done.by != by::stop &&
            expected_of(done) != expectation{{verdict::released}, CLOSE})
            FAIL_CHECK(in_words(done));
    });
}

TEST_CASE("a server of somebody else may close, keep silent or write")
{
    plan done = samples::plan_of(await_response, by::close);
    done.target = "http://127.0.0.1/";
    CHECK(expected_of(done) == expectation{{verdict::released, verdict::draining}, {}});
    done.by = by::reset;
    CHECK(expected_of(done) == expectation{{verdict::released}, CLOSE});
    done.by = by::stop;
    CHECK(expected_of(done) == expectation{{verdict::held}, {}});
    done.by = by::abandon;
    CHECK(expected_of(done) == expectation{{verdict::leaked}, {}});
}

TEST_CASE("of an impossible plan nothing is expected")
{
    CHECK(expected_of(samples::plan_of(resolve, by::reset)) == expectation{});
    plan unknown = samples::plan_of(await_response, by::close);
    unknown.subject = "curl";
    CHECK(expected_of(unknown) == expectation{});
}

TEST_CASE("every cell of the default matrix is expected one certain way")
{
    for (const plan& done : every_plan()) {
        CAPTURE(in_words(done));
        const expectation expected = expected_of(done);
        CHECK(expected.verdicts.size() == 1);
        const bool ends = expected.verdicts.front() == verdict::released && done.at != resolve;
        CHECK(expected.end_state.has_value() == ends);
    }
}

TEST_SUITE_END();
