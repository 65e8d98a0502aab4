#include "daemon/crew.hpp"

#include "daemon/children.hpp"
#include "daemon/feed.hpp"
#include "daemon/lifeline.hpp"
#include "daemon/lost.hpp"
#include "daemon/printable.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace finwait::daemon {

namespace {

using boost::system::error_code;
using std::chrono::steady_clock;

// A worker that dies three times in a row before its first report is not going to live.
constexpr unsigned deaths_until_given_up = 3;

// A place for one worker at a time.
struct seat
{
    explicit seat(net::io_context& io) : alarm(io) {}

    std::shared_ptr<worker_process> worker;
    pid_t pid = 0; ///< of the worker, also after its end
    net::steady_timer alarm;
    steady_clock::time_point since{}; // of the worker that sits here, or of its dismissal
    bool in_lab = false;
    bool dismissed = false;
    std::string killed_because; // why we killed it; empty: we did not
};

class live_crew final : public crew
{
public:
    live_crew(net::io_context& io, const crew_options& how, crew_events events)
        : io_(io), how_(how), events_(std::move(events)), pacer_(io), next_plan_(how.not_before)
    {
    }
    ~live_crew() override { stop(); }
    live_crew(const live_crew&) = delete;
    live_crew& operator=(const live_crew&) = delete;

    void start() override
    {
        seats_.push_back(std::make_unique<seat>(io_));
        net::post(io_, alive_.guarded([this] { staff(0); }));
    }

    void stop() override;

    unsigned workers() const override
    {
        return static_cast<unsigned>(std::count_if(seats_.begin(), seats_.end(), [](const auto& s) {
            return s->worker != nullptr;
        }));
    }

private:
    void staff(unsigned number);
    void hear(unsigned number, std::string_view line);
    void enter(unsigned number, std::string_view line);
    void set_up(std::vector<json::plan_line> plans);
    void take_report(unsigned number, std::string_view line);
    void take_refusal(unsigned number, std::string_view line);
    void give(unsigned number);
    bool must_pause(unsigned number);
    void watch(unsigned number);
    void alarm(unsigned number);
    void distrust(unsigned number, std::string because);
    void bury(unsigned number, const std::string& how);
    void give_up(const std::string& how);
    void lose(const std::vector<json::plan_line>& lines, const std::string& text);
    void settle();
    std::vector<pid_t> pids() const;

    net::io_context& io_;
    crew_options how_;
    crew_events events_;
    lifeline alive_; ///< cut once stopped; handlers outlive the crew in the queue
    std::vector<std::unique_ptr<seat>> seats_;
    std::optional<feed> feed_; // once the lab is entered
    net::steady_timer pacer_;
    steady_clock::time_point next_plan_; // when one may be handed out, where there is a pace
    unsigned deaths_ = 0;                // in a row, without a report
    bool finished_ = false;
};

void live_crew::stop()
{
    alive_.cut();
    for (const auto& each : seats_)
        if (each->worker)
            each->worker->end_now();
    const bool had_any = !seats_.empty();
    seats_.clear();
    if (had_any)
        end_children({});
}

void live_crew::staff(unsigned number)
{
    seat& here = *seats_[number];
    here.in_lab = here.dismissed = false;
    here.killed_because.clear();
    here.since = steady_clock::now();
    auto started = worker_process::start(
        io_,
        how_.worker,
        {.said = alive_.guarded([this, number](std::string_view line) { hear(number, line); }),
         .babbled =
             alive_.guarded([this, number] { distrust(number, "a line of its was too long"); }),
         .ended = alive_.guarded([this, number](const std::string& how) { bury(number, how); })}
    );
    if (started) {
        here.worker = std::move(*started);
        here.pid = here.worker->pid();
        watch(number);
        return;
    }
    events_.noted(fmt::format("cannot start a worker: {}", started.error().message()));
    deaths_ = deaths_until_given_up; // what is missing now will be missing at once again
    bury(number, started.error().message());
}

void live_crew::hear(unsigned number, std::string_view line)
{
    switch (json::kind_of(line)) {
    case json::line_kind::environment:
        return enter(number, line);
    case json::line_kind::report:
        return take_report(number, line);
    case json::line_kind::error:
        return take_refusal(number, line);
    case json::line_kind::unknown:
        break;
    }
    distrust(number, "it said something that is no report");
}

void live_crew::enter(unsigned number, std::string_view line)
{
    const auto told = json::parse_environment(line);
    if (!told)
        return distrust(number, "its environment could not be read: " + told.error().detail);
    seats_[number]->in_lab = true;
    if (!feed_)
        set_up(events_.entered(*told));
    give(number);
}

void live_crew::set_up(std::vector<json::plan_line> plans)
{
    const std::size_t jobs = std::clamp<std::size_t>(how_.jobs, 1, std::max(plans.size(), {1}));
    // No more than a fair share each, or the first worker would take all of a small audit.
    const std::size_t share = (plans.size() + jobs - 1) / jobs;
    feed_.emplace(std::move(plans), std::clamp<std::size_t>(share, 1, how_.worker.in_flight));
    while (seats_.size() < jobs) {
        seats_.push_back(std::make_unique<seat>(io_));
        const auto number = static_cast<unsigned>(seats_.size() - 1);
        net::post(io_, alive_.guarded([this, number] { staff(number); }));
    }
}

void live_crew::take_report(unsigned number, std::string_view line)
{
    auto read = json::parse_report(line);
    if (!read)
        return distrust(
            number,
            fmt::format(
                "a report could not be read: {} {}", read.error().field, read.error().detail
            )
        );
    if (!feed_ || !feed_->answered(number, read->id))
        return distrust(number, "it reported what it was not asked");
    deaths_ = 0;
    events_.reported(std::move(*read), line);
    give(number);
}

void live_crew::take_refusal(unsigned number, std::string_view line)
{
    const auto read = json::parse_error_line(line);
    const auto refused =
        read && read->id && feed_ ? feed_->answered(number, *read->id) : std::nullopt;
    if (!refused)
        return distrust(number, "it refused a line without saying which");
    deaths_ = 0;
    const report lost = lost_report(
        *refused,
        {.code = "refused", .text = fmt::format("{}: {}", read->why.field, read->why.detail)}
    );
    events_.reported(lost, json::dump(lost));
    give(number);
}

void live_crew::give(unsigned number)
{
    seat& here = *seats_[number];
    if (!here.worker || !here.in_lab || here.dismissed)
        return;
    while (!feed_->all_given() && !must_pause(number)) {
        const auto line = feed_->next(number, steady_clock::now());
        if (!line)
            break;
        here.worker->send(json::dump(*line));
        next_plan_ = steady_clock::now() + how_.pace;
    }
    if (feed_->all_given() && !feed_->oldest(number)) {
        here.dismissed = true;
        here.since = steady_clock::now();
        here.worker->close_input();
    }
}

// Whether it is too early for the next plan; gives it when it is time.
bool live_crew::must_pause(unsigned number)
{
    if (how_.pace == how_.pace.zero() || next_plan_ <= steady_clock::now())
        return false;
    pacer_.expires_at(next_plan_);
    pacer_.async_wait(alive_.guarded([this, number](const error_code& ec) {
        if (!ec)
            give(number);
    }));
    return true;
}

void live_crew::watch(unsigned number)
{
    seat& here = *seats_[number];
    const auto oldest = here.in_lab && feed_ ? feed_->oldest(number) : std::nullopt;
    here.alarm.expires_at(oldest.value_or(here.since) + how_.patience);
    here.alarm.async_wait(alive_.guarded([this, number](const error_code& ec) {
        if (!ec)
            alarm(number);
    }));
}

void live_crew::alarm(unsigned number)
{
    seat& here = *seats_[number];
    if (!here.worker)
        return;
    const auto now = steady_clock::now();
    const auto oldest = here.in_lab && feed_ ? feed_->oldest(number) : std::nullopt;
    if (!oldest && here.in_lab && !here.dismissed)
        here.since = now; // it owes nothing
    if (oldest.value_or(here.since) + how_.patience <= now)
        return distrust(
            number,
            fmt::format(
                "it was silent for {} s",
                std::chrono::duration_cast<std::chrono::seconds>(how_.patience).count()
            )
        );
    watch(number);
}

void live_crew::distrust(unsigned number, std::string because)
{
    seat& here = *seats_[number];
    if (!here.worker || !here.killed_because.empty())
        return;
    here.killed_because = std::move(because);
    here.worker->kill();
}

void live_crew::bury(unsigned number, const std::string& how)
{
    seat& here = *seats_[number];
    here.alarm.cancel();
    const auto dead = std::exchange(here.worker, nullptr);
    // Its subjects have come to us: the kernel hands them over before it tells of the death.
    end_children(pids());
    const auto owed = feed_ ? feed_->lost(number) : std::vector<json::plan_line>();
    const bool wanted = !feed_ || !owed.empty() || !feed_->all_given();
    if (wanted && dead) {
        const std::string text =
            here.killed_because.empty()
                ? fmt::format("worker {} ended: {}", here.pid, how)
                : fmt::format("worker {} was killed: {}", here.pid, printable(here.killed_because));
        ++deaths_;
        events_.noted(fmt::format("{}; {} probes were in flight", text, owed.size()));
        lose(owed, text);
    } else if (dead && how != "exit status 0") {
        events_.noted(fmt::format("worker {} had done its work, and ended: {}", here.pid, how));
    }
    if (wanted && deaths_ >= deaths_until_given_up && workers() == 0)
        give_up(how);
    else if (wanted && deaths_ < deaths_until_given_up && !(feed_ && feed_->all_given()))
        staff(number);
    settle();
}

void live_crew::give_up(const std::string& how)
{
    if (!feed_)
        feed_.emplace(events_.entered(environment{}), 1);
    lose(feed_->abandon(), fmt::format("no worker lives long enough to run it: {}", how));
}

void live_crew::lose(const std::vector<json::plan_line>& lines, const std::string& text)
{
    for (const json::plan_line& line : lines) {
        const report lost = lost_report(line, {.code = "worker_died", .text = text});
        events_.reported(lost, json::dump(lost));
    }
}

void live_crew::settle()
{
    if (finished_ || !feed_ || !feed_->done() || workers() != 0)
        return;
    finished_ = true;
    // Not from here: the crew may be destroyed in it, and callers of settle() go on.
    net::post(io_, alive_.guarded([finished = events_.finished] { finished(); }));
}

std::vector<pid_t> live_crew::pids() const
{
    std::vector<pid_t> living;
    for (const auto& each : seats_)
        if (each->worker)
            living.push_back(each->worker->pid());
    return living;
}

} // namespace

std::unique_ptr<crew> crew::make(net::io_context& io, const crew_options& how, crew_events events)
{
    return std::make_unique<live_crew>(io, how, std::move(events));
}

} // namespace finwait::daemon
