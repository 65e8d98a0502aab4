#include "probe/judge/expectation.hpp"

#include "probe/judge/external.hpp"
#include "probe/judge/judge.hpp"
#include "probe/judge/verdict.hpp"
#include "probe/model/possible.hpp"

#include <algorithm>
#include <span>

namespace finwait::judge {

namespace {

/// Does the origin write after a client's FIN when it answers?
enum class origin_says { nothing, something, either };

origin_says when_answering(const plan& done)
{
    using enum kill_point;
    switch (done.at) {
    case await_response:
    case response_headers:
    case response_body:
    case tls_shutdown:
        return origin_says::something;
    case connected:
    case tls_handshake: // an alert, a ServerHello, or nothing
        return done.tls ? origin_says::either : origin_says::nothing;
    case expect_continue: // a late `100 Continue`, or nothing
        return done.tls ? origin_says::something : origin_says::either;
    default: // half a request, or nothing owed; TLS: the close_notify
        return done.tls ? origin_says::something : origin_says::nothing;
    }
}

bool tickets_unread(const plan& done)
{
    return done.tls &&
           (done.at == kill_point::request_headers || done.at == kill_point::request_body);
}

/// The choices that are open within one plan.
struct variant
{
    bool unread = false;
    after_action after = after_action::close;
    bool origin_writes = false; ///< when it answers
};

connection_model at_kill_point(const plan& done, const variant& how, const observed_setup& known)
{
    connection_model model;
    if (done.at == kill_point::connect || known.client_state == tcp_state::SYN_SENT) {
        model.client.state = tcp_state::SYN_SENT;
        model.origin = no_side();
        return model;
    }
    if (done.at == kill_point::idle_peer_closed || known.client_state == tcp_state::CLOSE_WAIT)
        close_side(model, which_end::origin);
    model.client.unread = how.unread;
    model.client.unsent = done.blocked;
    model.origin.unread = done.blocked;
    return model;
}

void close_as_client(connection_model& model, const plan& done)
{
    const bool had_unread = model.client.unread;
    close_side(model, which_end::client);
    if (had_unread && tickets_unread(done) && !done.unread)
        model.applied.push_back(why::tls_tickets_unread);
}

void shut_and_close(connection_model& model, const plan& done)
{
    shutdown_side(model, which_end::client);
    close_as_client(model, done);
}

void die(connection_model& model, const plan& done)
{
    close_as_client(model, done);
    model.applied.push_back(why::process_ended);
}

void kill(connection_model& model, const plan& done)
{
    using enum kill_method;
    switch (done.by) {
    case throw_:
    case cancel:
    case deadline:
    case close:
        return close_as_client(model, done);
    case shutdown_close:
        return shut_and_close(model, done);
    case reset:
        return reset_side(model, which_end::client);
    case sigint:
    case sigterm:
    case sigkill:
    case exit:
        return die(model, done);
    case sock_destroy:
        return destroy_side(model, which_end::client);
    case peer_close:
        return close_side(model, which_end::origin);
    case peer_reset:
        return reset_side(model, which_end::origin);
    case abandon:
    case inherit: // rule 25: another reference remains
    case stop:
    case peer_silent:
    case cut:
    case own:
        return;
    }
}

/// After an outside kill's first look the client goes on, sees what happened, and closes.
void client_goes_on(connection_model& model, const plan& done)
{
    if (family_of(done.by) != kill_family::outside)
        return;
    if (done.by == kill_method::peer_close && !done.unread)
        model.client.unread = false;
    close_as_client(model, done);
    if (done.by == kill_method::peer_silent)
        model.applied.push_back(why::client_deadline);
}

void origin_goes_on(connection_model& model, const variant& how)
{
    if (how.after == after_action::stall || !model.origin.owned)
        return;
    if (how.after == after_action::reset)
        return reset_side(model, which_end::origin);
    if (how.after == after_action::answer) {
        read_side(model, which_end::origin);
        if (how.origin_writes)
            write_side(model, which_end::origin);
    }
    close_side(model, which_end::origin);
}

course walk(const plan& done, const variant& how, const observed_setup& known)
{
    const connection_model before = at_kill_point(done, how, known);
    connection_model model = before;
    model.applied.reserve(8);
    kill(model, done);
    course walked;
    walked.before = before;
    walked.first = model;
    client_goes_on(model, done);
    origin_goes_on(model, how);
    walked.second = std::move(model);
    return walked;
}

/// A server that is not ours has its own mind, and there is no moment at which it is let go.
std::vector<course> courses_elsewhere(const plan& done, const observed_setup& known)
{
    // Whether bytes of the server (a response, tickets) stood unread at the kill is seen, not
    // planned, unless the plan leaves them unread.
    const std::optional<bool> fixed = done.unread ? std::optional(true) : known.unread;
    const bool may_have_sent = done.tls || done.at > kill_point::connected;
    std::vector<course> all;
    for (const bool unread : {false, true}) {
        if (fixed ? *fixed != unread : unread && !may_have_sent)
            continue;
        for (const after_action after : all_of<after_action>())
            all.push_back(walk(done, {unread, after, /*origin_writes=*/true}, known));
    }
    return all;
}

end as_end(const side& first, const side& second)
{
    end made;
    made.cookie = 1;
    made.after_kill = look_at(first, /*at_ns=*/2'000'000);
    made.after_origin = look_at(second, /*at_ns=*/60'000'000);
    return made;
}

} // namespace

std::vector<course> courses_of(const plan& done, const observed_setup& known)
{
    if (done.at == kill_point::resolve)
        return {course{}};
    if (done.target != "origin")
        return courses_elsewhere(done, known);
    variant how{
        known.unread.value_or(done.unread || tickets_unread(done)),
        done.after,
        when_answering(done) == origin_says::something};
    std::vector<course> all;
    all.push_back(walk(done, how, known));
    if (done.after == after_action::answer && when_answering(done) == origin_says::either) {
        how.origin_writes = true;
        all.push_back(walk(done, how, known));
    }
    return all;
}

namespace {

/// What stands for "some" bytes of a receive queue: two session tickets.
constexpr std::uint32_t some_bytes = 510;

} // namespace

look look_at(const side& end, std::int64_t at_ns)
{
    look seen;
    seen.state = end.state;
    seen.owned = end.owned;
    seen.minisock = end.minisock;
    seen.at_ns = at_ns;
    if (end.minisock) {
        seen.timer = tcp_timer::timewait;
        seen.expires_ms = 60'000;
    } else if (end.unsent) {
        seen.timer = tcp_timer::probe0;
        seen.wqueue = mebibyte;
    } else if (end.state == tcp_state::SYN_SENT) {
        seen.timer = tcp_timer::retransmit;
        seen.wqueue = 1;
    }
    seen.rqueue = (end.unread ? some_bytes : 0U) + (end.state == tcp_state::CLOSE_WAIT ? 1U : 0U);
    return seen;
}

expectation expected_of(const plan& done)
{
    expectation made;
    if (why_impossible(done))
        return made;
    if (is_external(done))
        return expected_of_external(done);
    bool same_end = true;
    bool first_course = true;
    for (const course& each : courses_of(done)) {
        verdict found = verdict::released;
        std::optional<tcp_state> end_state;
        if (each.first) {
            end client = as_end(each.first->client, each.second->client);
            const ruling ruled = rule_on(&client, done.by);
            found = ruled.verdict;
            end_state = ruled.end_state;
        }
        if (std::ranges::find(made.verdicts, found) == made.verdicts.end())
            made.verdicts.push_back(found);
        same_end = same_end && (first_course || end_state == made.end_state);
        made.end_state = end_state;
        first_course = false;
    }
    if (!same_end || made.verdicts.size() > 1)
        made.end_state.reset();
    std::ranges::sort(made.verdicts);
    return made;
}

namespace {

void foresee_kill(report& made)
{
    const plan& done = made.plan;
    made.kill.at_ns = 1'000'000;
    if (done.by == kill_method::stop)
        made.kill.confirmed_by = "wait status: stopped by signal 19";
    else if (done.at == kill_point::resolve)
        made.kill.confirmed_by = "the client said so and the nameserver's query stayed unanswered";
    if (family_of(done.by) == kill_family::process) {
        made.process.emplace();
        made.process->pid = 4711;
        made.process->lives = done.by == kill_method::stop;
        if (!made.process->lives)
            made.process->ended = done.by == kill_method::exit ? "exit status 0" : "signal 9";
    }
}

/// The end before the kill.
void foresee_setup(end& client, const side& before)
{
    client.inode = 4711;
    client.unread_at_kill_bytes = before.unread ? some_bytes : 0;
    client.unsent_at_kill_bytes = before.unsent ? mebibyte : 0;
    client.states = {
        {before.state, 90'000, 1'000'000, 20'000, /*owned=*/true, false, witness::sock_diag}};
}

} // namespace

report foreseen_report(const plan& done, const course& how)
{
    report made;
    made.plan = done;
    made.control = is_control(done.by);
    foresee_kill(made);
    if (!how.first)
        return made;
    connection one;
    one.client = as_end(how.first->client, how.second->client);
    foresee_setup(*one.client, how.before->client);
    if (done.by == kill_method::inherit)
        one.client->holders.push_back({4712, 3, "holder"});
    if (done.at != kill_point::connect && done.target == "origin") {
        one.origin = as_end(how.first->origin, how.second->origin);
        one.origin->unread_at_kill_bytes = how.before->origin.unread ? some_bytes : 0;
    }
    made.connections.push_back(std::move(one));
    return made;
}

} // namespace finwait::judge
