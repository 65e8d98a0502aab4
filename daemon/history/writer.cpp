#include "daemon/history/writer.hpp"

#include "daemon/errors.hpp"
#include "daemon/history/place.hpp"
#include "daemon/history/reader.hpp"
#include "daemon/history/schema.hpp"
#include "daemon/printable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include <pthread.h>
#include <signal.h>

namespace finwait::daemon {

namespace {

using std::chrono::steady_clock;

/// That may wait for the disk. Beyond it reports are lost: the memory is not the disk's.
constexpr std::size_t most_queued_bytes = 8 * mebibyte;
/// In one transaction.
constexpr std::size_t most_at_once = 64;
constexpr std::size_t most_bytes_at_once = mebibyte / 2;
/// Ends of audits that could not be written.
constexpr std::size_t most_owed_ends = 64;
/// Of the reports of findings that could not be written. Beyond it what they say is not kept; that
/// there were so many findings is.
constexpr std::size_t most_owed_bytes = 4 * mebibyte;
constexpr std::size_t most_owed_findings = 10'000;
/// After a failure, until it is tried again with nothing new to write.
constexpr std::chrono::seconds until_next_try{2};
constexpr std::chrono::hours between_tidyings{1};

std::int64_t now_ns()
{
    return nanoseconds(std::chrono::system_clock::now());
}

} // namespace

// ---- opening

writer::writer(writer_setup setup) : setup_(std::move(setup))
{
    start();
    if (!setup_.file)
        return;
    // Signals are the main thread's.
    ::sigset_t all;
    ::sigset_t before;
    (void)::sigfillset(&all);
    (void)::pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    (void)::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

writer::~writer()
{
    if (thread_.joinable()) {
        {
            const guard lock(mutex_);
            is_stopping_ = true;
        }
        wake_.notify_all();
        thread_.join();
    }
    try {
        if (opened_)
            keeper_->note("running", 0);
    } catch (const sqlite_error&) {
        return; // ignoring: the next start looks closer at the file
    }
}

void writer::start()
try {
    try {
        open();
        look_at_indices();
        count_findings();
    } catch (const sqlite_error& error) {
        if (!error.is_damage() || !setup_.file)
            throw;
        replace(error.what());
    }
} catch (const sqlite_error& error) {
    if (!error.is_no_room() || !setup_.file)
        throw;
    // A full disk is no reason not to audit.
    close();
    say(fmt::format("the history cannot be written: {}; audits go on without it", error.what()));
    const guard lock(mutex_);
    trouble_ = error.what();
}

// What is asked for before the daemon is ready, so that damage there is found here already.
void writer::look_at_indices()
{
    const history_reader reader(*opened_);
    (void)reader.last({});           // ignoring: it could be read
    (void)reader.last(single_probe); // ignoring: as above
}

void writer::close()
{
    is_open_ = false;
    keeper_.reset();
    opened_.reset();
}

void writer::open()
try {
    // Before anything is written: who reads a file that nobody writes looks again.
    ++generation_;
    const std::string where = setup_.file ? setup_.file->string() : ":memory:";
    opened_ = std::make_unique<database>(where, database::access::read_write);
    set_up_writer(*opened_);
    const auto kind = kind_of(*opened_);
    if (kind == file_kind::newer)
        throw usage_error(fmt::format(
            "the history {} was written by a newer finwait: use that one, or another path",
            printable(where)
        ));
    if (kind == file_kind::foreign)
        throw usage_error(
            fmt::format("{} is another program's database, no history", printable(where))
        );
    migrate(*opened_);
    bound_log(*opened_, limits_of(setup_.how));
    keeper_.emplace(*opened_, open_);
    open_whole_file();
    is_open_ = true;
} catch (...) {
    close(); // half of it would be taken for all
    throw;
}

// What may fail for want of room while the file can be read all the same.
void writer::open_whole_file()
try {
    was_unclean_ =
        opened_->number("SELECT value FROM meta WHERE key = 'running'") != 0 || was_unclean_;
    transaction all(*opened_);
    keeper_->note("running", 1);
    // Those of this process go on, when its file was set aside.
    const auto ended = open_.empty() ? keeper_->end_abandoned() : 0;
    all.commit();
    keeper_->settle();
    if (ended != 0)
        say(fmt::format("{} audits of an earlier daemon were cut short", ended));
} catch (const sqlite_error& error) {
    if (!error.is_no_room())
        throw;
    keeper_->forget();
    const guard lock(mutex_);
    trouble_ = error.what();
}

void writer::replace(const std::string& why)
{
    close();
    const auto name = printable(set_aside(*setup_.file).string());
    const auto text = fmt::format("the history was damaged ({}) and is now {}", why, name);
    {
        const guard lock(mutex_);
        aside_ = text;
    }
    ++generation_; // whoever has the old one open lets go of it
    create_file(*setup_.file);
    was_unclean_ = false;
    open();
    say(text + "; a new one has begun");
    count_findings();
}

// ---- asked for by others

void writer::submit(write_job job)
{
    if (is_in_memory()) {
        write_one(std::move(job));
        while (tidy()) {
        }
        return;
    }
    {
        guard lock(mutex_);
        const auto most = job.finding ? 2 * most_queued_bytes : most_queued_bytes;
        if (queued_bytes_ + job.bytes > most && job.kind == write_kind::report) {
            ++unstored_;
            lock.unlock();
            tell(std::move(job.stored), false);
            return;
        }
        queued_bytes_ += job.bytes;
        queue_.push_back(std::move(job));
    }
    wake_.notify_one();
}

void writer::keep(const history_settings& how)
{
    {
        const guard lock(mutex_);
        new_settings_ = how;
    }
    maintain();
}

void writer::maintain()
{
    {
        const guard lock(mutex_);
        is_tidying_ = true;
    }
    wake_.notify_one();
    if (is_in_memory())
        while (tidy()) {
        }
}

void writer::note_damage(std::string why, unsigned generation)
{
    {
        const guard lock(mutex_);
        if (generation != generation_ || is_in_memory())
            return;
        damage_ = std::move(why);
    }
    wake_.notify_one();
}

void writer::flush()
{
    if (is_in_memory())
        return;
    guard lock(mutex_);
    idle_.wait(lock, [this] { return queue_.empty() && !is_busy_ && !is_tidying_ && !damage_; });
}

finwait::finding_counts writer::findings() const
{
    const guard lock(mutex_);
    return findings_;
}

history_state writer::state() const
{
    history_state now;
    // In memory the caller is the one thread there is.
    now.bytes = setup_.file ? bytes_of(*setup_.file) : used_bytes(*opened_);
    const guard lock(mutex_);
    now.unstored = unstored_;
    if (!trouble_.empty())
        now.check = {
            health::warn,
            fmt::format(
                "the history cannot be written: {}; {} reports were not stored", trouble_, unstored_
            )};
    else if (!aside_.empty())
        now.check = {health::warn, aside_};
    else if (is_in_memory())
        now.check = {health::warn, "the history is in memory only: it ends with the daemon"};
    else if (unstored_ != 0)
        now.check.detail = fmt::format("{} reports could not be stored, earlier", unstored_);
    return now;
}

// ---- the thread

void writer::run()
{
    auto tidy_at = steady_clock::now() + between_tidyings;
    guard lock(mutex_);
    for (;;) {
        const auto has_work = [this] {
            return !queue_.empty() || is_stopping_ || is_tidying_ || damage_;
        };
        const bool is_troubled = !trouble_.empty() || !owed_.empty();
        const auto until = is_troubled ? steady_clock::now() + until_next_try : tidy_at;
        const bool is_asked = has_work() || wake_.wait_until(lock, until, has_work);
        if (steady_clock::now() >= tidy_at) {
            is_tidying_ = true;
            tidy_at = steady_clock::now() + between_tidyings;
        }
        if (is_stopping_ && queue_.empty())
            break;
        is_busy_ = true;
        auto jobs = take(lock);
        const auto damage = std::exchange(damage_, std::nullopt);
        const bool is_tidying = is_tidying_;
        lock.unlock();
        if (damage)
            (void)set_aside_now(*damage); // ignoring: the next write tries again
        if (!jobs.empty())
            write(std::move(jobs));
        else if (!is_asked && is_troubled)
            write({{.work = [](record_keeper& into) {
                into.note("written", now_ns());
            }}});
        const bool is_more = is_tidying && tidy();
        lock.lock();
        is_busy_ = false;
        if (is_tidying && !is_more)
            is_tidying_ = new_settings_.has_value();
        if (queue_.empty())
            idle_.notify_all();
    }
    lock.unlock();
    try {
        (void)make_good(); // ignoring: there is no later
    } catch (const sqlite_error&) {
        return; // ignoring: as above
    }
}

std::vector<write_job> writer::take(guard&)
{
    std::vector<write_job> jobs;
    std::size_t bytes = 0;
    while (!queue_.empty() && jobs.size() < most_at_once && bytes < most_bytes_at_once) {
        bytes += queue_.front().bytes;
        jobs.push_back(std::move(queue_.front()));
        queue_.pop_front();
    }
    queued_bytes_ -= bytes;
    return jobs;
}

void writer::write(std::vector<write_job> jobs)
{
    if (jobs.size() > 1 && write_at_once(jobs))
        return;
    for (auto& each : jobs) // one by one: what is wrong with one is not wrong with all
        write_one(std::move(each));
}

bool writer::write_at_once(const std::vector<write_job>& jobs)
try {
    if (!opened_ || make_good())
        return false;
    transaction all(*opened_);
    for (const auto& each : jobs)
        each.work(*keeper_);
    all.commit();
    succeed(jobs);
    return true;
} catch (const sqlite_error&) {
    if (keeper_)
        keeper_->forget();
    return false;
}

void writer::write_one(write_job job)
{
    if (job.begins)
        open_.try_emplace(job.begins->id, *job.begins);
    for (int attempt = 0;; ++attempt)
        try {
            if (!opened_) {
                if (setup_.file && !std::filesystem::exists(*setup_.file))
                    create_file(*setup_.file); // there was no room for it
                open();
                count_findings();
                if (setup_.opened)
                    setup_.post(setup_.opened);
            }
            // What is new need not fail with what is owed, but an end comes after its findings.
            if (auto why = make_good();
                why && job.kind != write_kind::other && job.kind != write_kind::report)
                return fail(std::move(job), *why);
            transaction one(*opened_);
            job.work(*keeper_);
            one.commit();
            succeed({job});
            return;
        } catch (const sqlite_error& error) {
            if (keeper_)
                keeper_->forget();
            if (!error.is_damage() || !setup_.file || attempt != 0)
                return fail(std::move(job), error.what());
            if (const auto worse = set_aside_now(error.what()); worse)
                return fail(std::move(job), *worse);
        } catch (const std::runtime_error& error) { // another program's file, no folder
            return fail(std::move(job), error.what());
        }
}

std::optional<std::string> writer::set_aside_now(const std::string& why)
try {
    replace(why);
    return std::nullopt;
} catch (const std::exception& worse) { // no room for a new one, say
    return worse.what();
}

void writer::succeed(const std::vector<write_job>& jobs)
{
    keeper_->settle();
    bool was_troubled = false;
    {
        const guard lock(mutex_);
        if (owed_.empty())
            was_troubled = !std::exchange(trouble_, {}).empty();
    }
    if (was_troubled)
        say("the history can be written again");
    const bool has_ended = std::any_of(jobs.begin(), jobs.end(), [](const write_job& each) {
        return each.kind == write_kind::end || each.kind == write_kind::retirement;
    });
    if (has_ended)
        count_findings();
    const bool is_much = used_bytes(*opened_) > limits_of(setup_.how).pages;
    if (has_ended || is_much) {
        const guard lock(mutex_);
        is_tidying_ = true;
    }
    for (const auto& each : jobs)
        tell(each.stored, true);
}

void writer::fail(write_job job, const std::string& why)
{
    bool is_new = false;
    {
        const guard lock(mutex_);
        is_new = std::exchange(trouble_, why).empty();
        if (job.kind == write_kind::report)
            ++unstored_;
    }
    if (is_new)
        say(fmt::format("the history cannot be written: {}; audits go on without it", why));
    tell(std::exchange(job.stored, {}), false);
    owe(std::move(job));
}

void writer::owe(write_job job)
{
    const auto are_owed = [this](auto which) {
        return static_cast<std::size_t>(std::count_if(owed_.begin(), owed_.end(), which));
    };
    const auto is_of_same_kind = [kind = job.kind](const write_job& each) {
        return each.kind == kind;
    };
    switch (job.kind) {
    case write_kind::other:
        return;
    case write_kind::report:
        if (!job.finding || are_owed(is_of_same_kind) >= most_owed_findings)
            return;
        if (owed_bytes_ + job.bytes > most_owed_bytes) {
            auto brief = std::make_shared<report_row>(*job.finding);
            brief->doc = {};
            job.work = [brief](record_keeper& into) {
                into.add_brief(*brief);
            };
            job.bytes = 0;
        }
        job.finding.reset();
        owed_bytes_ += job.bytes;
        break;
    case write_kind::end:
        if (are_owed(is_of_same_kind) >= most_owed_ends)
            owed_.erase(std::find_if(owed_.begin(), owed_.end(), is_of_same_kind));
        break;
    case write_kind::retirement:
        std::erase_if(owed_, is_of_same_kind);
        break;
    }
    owed_.push_back(std::move(job));
}

std::optional<std::string> writer::make_good()
{
    bool is_any = false;
    while (opened_ && !owed_.empty())
        try {
            const auto& next = owed_.front();
            transaction one(*opened_);
            next.work(*keeper_);
            one.commit();
            keeper_->settle();
            if (next.kind == write_kind::report)
                owed_bytes_ -= next.bytes;
            owed_.pop_front();
            is_any = true;
        } catch (const sqlite_error& error) {
            keeper_->forget();
            if (error.is_damage())
                throw;
            if (!error.is_refused())
                return error.what();
            // It would be refused for ever, and keep the others waiting.
            if (owed_.front().kind == write_kind::report)
                owed_bytes_ -= owed_.front().bytes;
            owed_.pop_front();
        }
    if (is_any)
        count_findings();
    return std::nullopt;
}

bool writer::tidy()
{
    bool is_new = false;
    {
        const guard lock(mutex_);
        if (const auto how = std::exchange(new_settings_, std::nullopt); how) {
            setup_.how.keep_expected = how->keep_expected;
            setup_.how.keep_findings = how->keep_findings;
            setup_.how.max_bytes = how->max_bytes;
            is_new = true;
        }
    }
    if (!opened_)
        return false;
    try {
        const auto limits = limits_of(setup_.how);
        if (is_new)
            bound_log(*opened_, limits);
        if (forget_some(*opened_, setup_.how, limits, now_ns()))
            return true;
        empty_log(*opened_);
        count_findings();
    } catch (const sqlite_error& error) {
        if (error.is_damage())
            note_damage(error.what(), generation_);
    }
    return false;
}

void writer::count_findings()
{
    if (opened_)
        count_findings(*opened_);
}

void writer::count_findings(database& in)
{
    const auto counts = history_reader(in).finding_counts();
    const guard lock(mutex_);
    findings_ = counts;
}

void writer::tell(std::function<void(bool)> stored, bool is_stored)
{
    if (stored)
        setup_.post([stored = std::move(stored), is_stored] { stored(is_stored); });
}

void writer::say(std::string text)
{
    if (setup_.log)
        setup_.post([log = setup_.log, text = std::move(text)] { log(text); });
}

} // namespace finwait::daemon
