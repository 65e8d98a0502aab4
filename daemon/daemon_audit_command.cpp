// `finwait audit --daemon`: the daemon runs it, this command waits, shows and judges.
#include "daemon/api_client.hpp"
#include "daemon/audit_view.hpp"
#include "daemon/commands.hpp"
#include "daemon/errors.hpp"
#include "daemon/foreground.hpp"
#include "daemon/junit.hpp"
#include "daemon/output.hpp"
#include "daemon/printable.hpp"
#include "daemon/process_setup.hpp"
#include "daemon/progress.hpp"
#include "daemon/tally.hpp"
#include "probe/ulid.hpp"
#include "web/json/asking.hpp"
#include "web/json/json.hpp"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

namespace finwait::daemon {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds one_request = 10s;
constexpr std::chrono::milliseconds whole_audit = 60s; // megabytes of reports
// The daemon says something every 15 s.
constexpr std::chrono::milliseconds longest_silence = 40s;
// How often its events may break off while it can still be asked.
constexpr unsigned most_breaks = 5;

// What came of following an audit.
struct followed
{
    std::optional<json::audit_glance> last; ///< how it stood when last seen
    std::string trouble;                    ///< why it could not be followed to its end, or empty
};

class follower
{
public:
    follower(const daemon_place& where, std::string id) : where_(where), id_(std::move(id)) {}

    followed to_the_end()
    {
        for (unsigned breaks = 0; breaks < most_breaks; ++breaks) {
            const auto came = follow_daemon(
                where_,
                "audit=" + id_,
                last_event_,
                longest_silence,
                [this] { return look(); },
                [this](const api_event& event) { return hear(event); }
            );
            if (is_over() || !trouble_.empty())
                break;
            // No room for one more reader, or the connection broke: the status tells of changes.
            if (came.status != 0 ? !wait_for_change() : !look())
                break;
        }
        if (!is_over() && trouble_.empty())
            trouble_ = "its events break off again and again";
        shown_.clear();
        return {.last = last_, .trouble = trouble_};
    }

private:
    bool is_over() const { return last_ && last_->is_over(); }

    // Whether there is something to wait for.
    bool look()
    {
        const auto got = ask_daemon(where_, "/api/v1/audits/" + id_, whole_audit);
        if (!got.is_ok()) {
            trouble_ = got.problem;
            return false;
        }
        note(got.body);
        return !is_over();
    }

    bool wait_for_change()
    {
        const auto got = ask_daemon(where_, "/api/v1/status?wait=30s", longest_silence);
        if (!got.is_ok()) {
            trouble_ = got.problem;
            return false;
        }
        return look();
    }

    bool hear(const api_event& event)
    {
        last_event_ = event.id;
        if (event.name == "resync")
            return look();
        if (event.name == "report")
            shown_.advance();
        else if (event.name == "audit")
            note(event.data);
        return !is_over();
    }

    void note(const std::string& text)
    {
        const auto seen = json::glance_at_audit(text);
        if (!seen || seen->id != id_)
            return;
        last_ = seen;
        if (!seen->state)
            return;
        shown_.expect(seen->planned);
        shown_.reach(seen->done);
    }

    const daemon_place& where_;
    std::string id_;
    std::string last_event_;
    std::optional<json::audit_glance> last_;
    std::string trouble_;
    progress shown_;
};

// The id at the end of `/api/v1/audits/ID`.
std::string id_in(const std::string& location)
{
    std::string id = location.substr(location.rfind('/') + 1);
    return is_ulid(id) ? id : std::string();
}

// What a refusal to run it means for a scheduler: later (75), or never like this (2).
exit_code refused(const api_reply& got)
{
    const bool is_later = got.status == 429 || got.status >= 500;
    complain(fmt::format("the daemon does not run it: {}", printable(got.problem)));
    return is_later ? exit_code::unreachable : exit_code::usage;
}

exit_code exit_of_outcome(outcome which)
{
    audit done;
    done.outcome = which;
    return exit_of(done);
}

// It ended, and its document is not to be had: the disk is full, or it was cancelled in the queue.
exit_code without_document(const json::audit_glance& last)
{
    if (!last.outcome) {
        complain(fmt::format(
            "audit {} {}",
            last.id,
            last.state == web::run_state::cancelled ? "was cancelled" : "could not be stored"
        ));
        return exit_code::unjudged;
    }
    complain(fmt::format("audit {} could not be stored: {}", last.id, word(*last.outcome)));
    return exit_of_outcome(*last.outcome);
}

exit_code show_audit(const std::string& text, const daemon_audit_options& options)
{
    const auto done = json::parse_audit(text);
    if (!done) {
        complain(fmt::format(
            "its answer is no audit of finwait: {} {}", done.error().field, done.error().detail
        ));
        return exit_code::unjudged;
    }
    switch (options.output.form) {
    case output_form::table:
        print(show(*done, style_for(options.output)));
        break;
    case output_form::json:
        print(text + "\n");
        break;
    case output_form::ndjson:
        for (const report& each : done->reports)
            print(json::dump(each) + "\n");
        complain(summary_line(*done));
        break;
    }
    if (options.junit)
        write_file(*options.junit, junit(*done));
    finish_output();
    return exit_of(*done);
}

} // namespace

exit_code run_daemon_audit(const daemon_audit_options& options)
{
    ignore_broken_pipes();
    const daemon_place where = writing_place_of(options.where);
    const auto begun =
        tell_daemon(where, "POST", "/api/v1/audits", json::dump(options.order), one_request);
    if (begun.status == 0) {
        complain(unreachable_text(where, begun));
        return exit_code::unreachable;
    }
    const std::string id = id_in(begun.location);
    if (!begun.is_ok())
        return refused(begun);
    if (id.empty()) {
        complain("the daemon does not say which audit it runs; is it one of finwait's?");
        return exit_code::unreachable;
    }
    const auto came = follower(where, id).to_the_end();
    if (!came.trouble.empty()) {
        complain(fmt::format("audit {} was lost sight of: {}", id, printable(came.trouble)));
        return exit_code::unreachable;
    }
    const auto got = ask_daemon(where, "/api/v1/audits/" + id, whole_audit);
    const auto whole = got.is_ok() ? json::glance_at_audit(got.body) : std::nullopt;
    if (!whole || !whole->outcome)
        return without_document(*came.last);
    return show_audit(got.body, options);
}

} // namespace finwait::daemon
