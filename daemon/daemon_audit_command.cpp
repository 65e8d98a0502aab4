// `finwait audit --daemon`: the daemon runs it, this command waits, shows and judges.
#include "daemon/api_client.hpp"
#include "daemon/audit_view.hpp"
#include "daemon/commands.hpp"
#include "daemon/errors.hpp"
#include "daemon/foreground.hpp"
#include "daemon/history_source.hpp"
#include "daemon/junit.hpp"
#include "daemon/output.hpp"
#include "daemon/printable.hpp"
#include "daemon/process_setup.hpp"
#include "daemon/progress.hpp"
#include "daemon/tally.hpp"
#include "probe/ulid.hpp"
#include "web/json/asking.hpp"
#include "web/json/json.hpp"
#include "web/json/service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace finwait::daemon {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds one_request = 10s;
constexpr std::chrono::milliseconds whole_audit = 60s; // megabytes of reports
// The daemon says something every 15 s.
constexpr std::chrono::milliseconds longest_silence = 40s;
// How long it is waited for a change before progress is asked for, when there are no events.
constexpr std::chrono::milliseconds between_looks = 2s;
// How often in a row it may not be reached, and the time between.
constexpr unsigned most_misses = 5;
constexpr std::chrono::milliseconds after_miss = 500ms;
// Before an audit is tried again: at first, and at most.
constexpr std::chrono::seconds first_pause = 1s;
constexpr std::chrono::seconds longest_pause = 30s;

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
        while (is_worth_it()) {
            // Why there are no more events is no matter: there may be no room for one more reader,
            // or the connection broke. Then the status tells of changes.
            (void)follow_daemon(
                where_,
                "audit=" + id_,
                last_event_,
                longest_silence,
                [this] { return look(); },
                [this](const api_event& event) { return hear(event); }
            );
            if (is_worth_it())
                wait_for_change();
        }
        shown_.clear();
        return {.last = last_, .trouble = trouble_};
    }

private:
    bool is_over() const { return last_ && last_->is_over(); }
    bool is_worth_it() const { return !is_over() && trouble_.empty(); }

    // nullopt: not now, or never, and then there is trouble.
    std::optional<std::string> get(const std::string& target, std::chrono::milliseconds limit)
    {
        auto got = ask_daemon(where_, target, limit);
        if (got.is_ok()) {
            misses_ = 0;
            return std::move(got.body);
        }
        const bool may_pass = got.status == 0 || got.status == 429 || got.status >= 500;
        if (!may_pass || ++misses_ == most_misses)
            trouble_ = got.problem;
        return std::nullopt;
    }

    // Whether there is something to wait for.
    bool look()
    {
        const auto text = get("/api/v1/audits/" + id_, whole_audit);
        if (text && !note(*text))
            trouble_ = "its answer is no audit of finwait";
        return is_worth_it();
    }

    void wait_for_change()
    {
        std::string target = fmt::format("/api/v1/status?wait={}ms", between_looks.count());
        if (index_) // what has changed since we looked is not waited for
            target += fmt::format("&index={}", *index_);
        const auto text = get(target, longest_silence);
        if (!text) {
            if (is_worth_it())
                std::this_thread::sleep_for(after_miss);
            return;
        }
        if (const auto now = json::parse_status(*text))
            index_ = now->index;
        look();
    }

    bool hear(const api_event& event)
    {
        last_event_ = event.id;
        if (event.name == "resync")
            return look();
        if (event.name == "report")
            shown_.advance();
        else if (event.name == "audit")
            (void)note(event.data); // ignoring: events are of other audits, too
        return !is_over();
    }

    // False: it is not of this audit.
    bool note(const std::string& text)
    {
        const auto seen = json::glance_at_audit(text);
        if (!seen || seen->id != id_)
            return false;
        last_ = seen;
        if (seen->state) {
            shown_.expect(seen->planned);
            shown_.reach(seen->done);
        }
        return true;
    }

    const daemon_place& where_;
    std::string id_;
    std::string last_event_;
    std::optional<json::audit_glance> last_;
    std::optional<std::uint64_t> index_; ///< of the status, when last seen
    unsigned misses_ = 0;                ///< in a row
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

// With the reports for which there was no room in its document, as far as they can be had.
std::string whole(const daemon_place& where, const std::string& text)
try {
    return with_all_reports(*history_source::at(where), text);
} catch (const no_answer& error) {
    complain(printable(error.what()));
    return text;
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
    complain_of_missing_reports(*done);
    finish_output();
    return exit_of(*done);
}

// One attempt. `unreachable` has been said.
exit_code attempt(const daemon_audit_options& options)
{
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
    const auto ended = got.is_ok() ? json::glance_at_audit(got.body) : std::nullopt;
    if (!ended || !ended->outcome)
        return without_document(*came.last);
    return show_audit(whole(where, got.body), options);
}

} // namespace

exit_code run_daemon_audit(const daemon_audit_options& options)
{
    ignore_broken_pipes();
    auto pause = first_pause;
    for (unsigned done = 0;; ++done) {
        const exit_code code = attempt(options);
        if (code != exit_code::unreachable || done == options.retries)
            return code;
        complain(
            fmt::format("trying again in {} s ({} of {})", pause.count(), done + 1, options.retries)
        );
        std::this_thread::sleep_for(pause);
        pause = std::min(2 * pause, longest_pause);
    }
}

} // namespace finwait::daemon
