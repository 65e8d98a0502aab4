// `finwait status`: asks a daemon over HTTP, once or until it is well.
#include "daemon/api_client.hpp"
#include "daemon/commands.hpp"
#include "daemon/errors.hpp"
#include "daemon/output.hpp"
#include "daemon/printable.hpp"
#include "daemon/process_setup.hpp"
#include "daemon/quantity.hpp"
#include "web/json/service.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>

#include <unistd.h>

namespace finwait::daemon {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds limit_of_one_request = std::chrono::seconds(5);
// The longest time that is asked for at once, of the 60 s that the daemon allows.
constexpr milliseconds longest_wait = std::chrono::seconds(30);
constexpr milliseconds between_attempts{500};

// An answer, or why there is none.
struct reply
{
    std::optional<service_status> status;
    std::string body;
    std::string problem; ///< a whole sentence
};

reply understood(const daemon_place& where, api_reply got)
{
    if (got.status == 0)
        return {.status = {}, .body = {}, .problem = unreachable_text(where, got)};
    if (!got.is_ok())
        return {
            .status = {},
            .body = {},
            .problem = fmt::format(
                "the daemon at {} does not answer: {}",
                printable(where.text),
                printable(got.problem)
            )};
    auto read = json::parse_status(got.body);
    if (!read)
        return {
            .status = {},
            .body = {},
            .problem = fmt::format(
                "what is at {} is no daemon of finwait: its answer is no status: {} {}",
                printable(where.text),
                read.error().field,
                read.error().detail
            )};
    return {.status = std::move(*read), .body = std::move(got.body), .problem = {}};
}

reply ask_once(const daemon_place& where, const std::string& query, milliseconds limit)
{
    return understood(where, ask_daemon(where, "/api/v1/status" + query, limit));
}

std::string time_text(std::chrono::system_clock::time_point when)
{
    return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", std::chrono::floor<std::chrono::seconds>(when));
}

verdict color_of(health which)
{
    return which == health::pass   ? verdict::released
           : which == health::warn ? verdict::unverified
                                   : verdict::leaked;
}

// One audit of the configuration: what it is doing, how it last came out, when it is next.
std::string line_of(const scheduled_audit& of)
{
    std::string text = fmt::format("  audit {} ", padded(printable(of.name), 6));
    text += of.last ? fmt::format("{} at {}", word(of.last->outcome), time_text(of.last->at))
                    : std::string("has not run");
    if (of.running)
        text += "; runs or waits now";
    if (of.next)
        text += fmt::format("; next {}", time_text(*of.next));
    if (of.missed != 0)
        text += fmt::format("; was run once for {} missed", of.missed);
    return text + "\n";
}

std::string show(const service_status& now, color use)
{
    std::string text =
        painted(std::string(word(now.status)), color_of(now.status), use) +
        fmt::format("  finwait {}, since {}\n", printable(now.version), time_text(now.started));
    if (now.last_audit)
        text += fmt::format(
            "  last audit   {}  {}  {}\n",
            word(now.last_audit->outcome),
            time_text(now.last_audit->at),
            printable(now.last_audit->id)
        );
    else
        text += "  last audit   none has ended yet\n";
    text += fmt::format(
        "  findings     {}{}\n",
        now.open_findings,
        now.findings.new_ones + now.findings.still_there + now.findings.gone == 0
            ? ""
            : fmt::format(
                  "  ({} new, {} still there; {} gone)",
                  now.findings.new_ones,
                  now.findings.still_there,
                  now.findings.gone
              )
    );
    if (now.next_audit)
        text += fmt::format("  next audit   {}\n", time_text(*now.next_audit));
    for (const scheduled_audit& each : now.audits)
        text += line_of(each);
    for (const auto& [name, check] : now.checks)
        text += fmt::format(
            "  {} {}{}\n",
            padded(printable(name), 12),
            word(check.status),
            check.detail.empty() ? "" : "  " + printable(check.detail)
        );
    return text + fmt::format(
                      "  itself       {} descriptors, {} sockets, {} resident, {} workers\n",
                      now.self.fds,
                      now.self.sockets,
                      show_size(now.self.rss_bytes),
                      now.self.workers
                  );
}

/// Findings of any audit are findings, whichever ended last. Where nothing has been judged yet, or
/// could not be, that is said.
exit_code what_to_exit_with(const service_status& now)
{
    const bool found =
        now.open_findings != 0 || (now.last_audit && now.last_audit->outcome == outcome::findings);
    if (found)
        return exit_code::finding;
    return now.status == health::pass ? exit_code::clean : exit_code::unjudged;
}

// Until it is so or the time is up. A daemon that is not there yet is tried again: there is no
// event that would tell of it.
reply wait_for(const daemon_place& where, const std::string& wanted, milliseconds timeout)
{
    const auto until = steady_clock::now() + timeout;
    for (;;) {
        const auto left = std::chrono::duration_cast<milliseconds>(until - steady_clock::now());
        const auto wait = std::clamp(left, milliseconds(0), longest_wait);
        reply got = ask_once(
            where,
            fmt::format("?wait_for={}&timeout={}ms", wanted, wait.count()),
            wait + limit_of_one_request
        );
        const bool reached = got.status && word(got.status->status) == wanted;
        if (reached || steady_clock::now() + between_attempts >= until)
            return got;
        if (!got.status)
            std::this_thread::sleep_for(between_attempts);
    }
}

void print_status(const reply& got, const output_options& output)
{
    if (output.form == output_form::table)
        print(show(*got.status, decide(output.color, facts_of(STDOUT_FILENO))));
    else
        print(got.body + "\n");
}

// Prints it each time that it means something else, until the daemon is gone.
exit_code watch(const daemon_place& where, const output_options& output)
{
    reply got = ask_once(where, {}, limit_of_one_request);
    std::optional<std::uint64_t> shown;
    while (got.status) {
        if (shown != got.status->index)
            print_status(got, output);
        shown = got.status->index;
        got = ask_once(
            where,
            fmt::format("?index={}&wait={}ms", *shown, longest_wait.count()),
            longest_wait + limit_of_one_request
        );
    }
    complain(got.problem);
    return exit_code::unreachable;
}

} // namespace

exit_code run_status(const status_options& options)
{
    ignore_broken_pipes();
    const daemon_place where = place_of(options.where);
    if (options.watch == watching::changes)
        return watch(where, options.output);
    const reply got = options.wait_for ? wait_for(where, *options.wait_for, options.timeout)
                                       : ask_once(where, {}, limit_of_one_request);
    if (!got.status) {
        complain(got.problem);
        return exit_code::unreachable;
    }
    print_status(got, options.output);
    finish_output();
    return what_to_exit_with(*got.status);
}

} // namespace finwait::daemon
