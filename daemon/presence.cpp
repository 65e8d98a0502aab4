#include "daemon/presence.hpp"

#include "daemon/children.hpp"
#include "daemon/printable.hpp"
#include "probe/subject/family.hpp"
#include "probe/subject/spawn.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace finwait::daemon {

namespace {

using std::chrono::steady_clock;

constexpr std::size_t most_text_bytes = 4096; // of each stream; the rest is read and dropped

constexpr auto longest_ending = std::chrono::seconds(2);

// What a program says on one of its streams.
struct stream
{
    kernel::unique_fd from;
    std::string text;

    // False when nothing is to be had at the moment.
    bool read_some()
    {
        std::array<char, 4096> bytes{};
        const ssize_t count = ::read(from.get(), bytes.data(), bytes.size());
        if (count < 0 && (errno == EAGAIN || errno == EINTR))
            return false;
        if (count <= 0) {
            from.reset();
            return false;
        }
        const auto room = most_text_bytes - text.size();
        text.append(bytes.data(), std::min(room, static_cast<std::size_t>(count)));
        return true;
    }

    // As much as is wanted of what is there; one that escaped may be writing on for ever.
    void take_the_rest()
    {
        while (from && text.size() < most_text_bytes && read_some()) {
        }
    }
};

// One program that is being asked. Killed, with all that it has started, when it is let go.
struct question
{
    subject::spawned process;
    std::string mark; // what its descendants are known by
    stream output;
    stream error;
    std::string reason; // why it could not be asked, or cannot be ended
    int status = 0;
    bool is_over = false;

    question() = default;
    question(question&&) = default;
    question& operator=(question&&) = delete;
    question(const question&) = delete;
    question& operator=(const question&) = delete;
    ~question() { end(); }

    // Takes its last words and its status; what it has started is ended, too, wherever it has gone:
    // it was to answer, not to stay.
    void end()
    {
        if (std::exchange(is_over, true) || !process.pidfd)
            return;
        const auto left =
            subject::end_family({.head = process.pid, .mark = mark, .network = {}}, longest_ending);
        const auto ended = subject::reap(process.pid, longest_ending);
        status = ended.value_or(SIGKILL);
        if (!ended || !left.empty())
            reason = "it, or something that it started, cannot be ended";
        for (stream* each : {&output, &error})
            each->take_the_rest();
        process.pidfd.reset();
    }
};

std::string_view first_line(std::string_view text)
{
    return text.substr(0, text.find('\n'));
}

std::string_view last_line(std::string_view text)
{
    const auto end = text.find_last_not_of('\n');
    if (end == std::string_view::npos)
        return {};
    text = text.substr(0, end + 1);
    const auto newline = text.rfind('\n');
    return newline == std::string_view::npos ? text : text.substr(newline + 1);
}

kernel::result<void> ask(const recipe& about, question& out)
{
    auto output = subject::make_pipe();
    if (!output)
        return output.error();
    auto error = subject::make_pipe();
    if (!error)
        return error.error();
    const kernel::unique_fd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    subject::spawn_order order;
    const recipe_mode no_mode{};
    recipe asking;
    asking.here = about.here;
    asking.command = about.version_command;
    order.command = order_of(asking, no_mode, plan{}).command;
    order.program = order.command.front();
    order.environment = subject::own_environment();
    static unsigned questions = 0;
    out.mark = fmt::format("question-{}-{}", ::getpid(), ++questions);
    subject::set_variable(order.environment, subject::mark_name, out.mark);
    order.which = subject::leads::session;
    order.input = nothing.get();
    order.output = output->write.get();
    order.error = error->write.get();
    auto started = subject::spawn(order);
    if (!started)
        return started.error();
    out.process = std::move(*started);
    out.output.from = std::move(output->read);
    out.error.from = std::move(error->read);
    (void)::fcntl(out.output.from.get(), F_SETFL, O_NONBLOCK);
    (void)::fcntl(out.error.from.get(), F_SETFL, O_NONBLOCK);
    return {};
}

// Waits for one of them to say something or to end; false when the time is over.
bool wait_for_any(std::vector<question>& asked, steady_clock::time_point deadline)
{
    std::vector<pollfd> polled;
    std::vector<std::pair<question*, stream*>> whose; // no stream: the process itself
    for (question& each : asked) {
        if (each.is_over)
            continue;
        polled.push_back({.fd = each.process.pidfd.get(), .events = POLLIN, .revents = 0});
        whose.emplace_back(&each, nullptr);
        for (stream* from : {&each.output, &each.error})
            if (from->from) {
                polled.push_back({.fd = from->from.get(), .events = POLLIN, .revents = 0});
                whose.emplace_back(&each, from);
            }
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
    if (polled.empty() || left.count() <= 0)
        return false;
    if (::poll(polled.data(), polled.size(), static_cast<int>(left.count())) < 0)
        return errno == EINTR;
    for (std::size_t i = 0; i < polled.size(); ++i) {
        if (polled[i].revents == 0)
            continue;
        if (const auto [from, said] = whose[i]; said == nullptr)
            from->end();
        else if (said->from)
            (void)said->read_some();
    }
    return true;
}

presence answer_of(const recipe& about, const question& asked)
{
    if (!asked.reason.empty())
        return {.reason = asked.reason};
    const auto said = printable(first_line(asked.output.text));
    if (WIFSIGNALED(asked.status))
        return {
            .reason = fmt::format(
                "{} ended by signal {}", about.version_command.front(), WTERMSIG(asked.status)
            )};
    if (WEXITSTATUS(asked.status) != 0) {
        const auto why = printable(last_line(asked.error.text));
        return {
            .reason = fmt::format(
                "{} says: {}",
                about.version_command.front(),
                why.empty() ? fmt::format("exit status {}", WEXITSTATUS(asked.status)) : why
            )};
    }
    if (said.empty())
        return {.reason = fmt::format("{} printed no version", about.version_command.front())};
    const auto found = version_in(said);
    if (!about.versions.empty() && !found)
        return {.reason = fmt::format("no version can be read from \"{}\"", said)};
    if (!about.versions.empty() && !is_within(*found, about.versions))
        return {.reason = fmt::format("version {} is not {}", said, about.version_text)};
    return {.is_there = true, .version = said, .reason = {}};
}

} // namespace

std::vector<presence> look_for(std::span<const recipe> wanted, std::chrono::milliseconds limit)
{
    become_subreaper(); // orphans of theirs are found by that, whatever they have left
    std::vector<question> asked(wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i)
        if (const auto begun = ask(wanted[i], asked[i]); !begun) {
            asked[i].is_over = true;
            asked[i].reason =
                fmt::format("{}: {}", wanted[i].version_command.front(), begun.error().message());
        }
    const auto deadline = steady_clock::now() + limit;
    while (wait_for_any(asked, deadline)) {
    }
    std::vector<presence> found;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (!asked[i].is_over) {
            asked[i].end();
            asked[i].reason = fmt::format(
                "{} had not answered after {} ms", wanted[i].version_command.front(), limit.count()
            );
        }
        found.push_back(answer_of(wanted[i], asked[i]));
    }
    return found;
}

} // namespace finwait::daemon
