#include "daemon/history/inspector.hpp"

#include "daemon/history/schema.hpp"
#include "daemon/history/sqlite.hpp"

#include <optional>
#include <utility>

#include <pthread.h>
#include <signal.h>
namespace finwait::daemon {

namespace {

/// Steps of SQLite's machine between two looks at whether to stop.
constexpr int steps_at_once = 10'000;

// nullopt: it was ended, or could not be asked.
std::optional<std::string> look_at(const std::filesystem::path& file, std::atomic<bool>& stop)
try {
    database opened(file.string(), database::access::read_only);
    set_up_reader(opened);
    opened.ask_every(steps_at_once, [&stop] { return stop.load(); });
    query row = opened.ask("PRAGMA quick_check(1)");
    if (!row.next())
        return std::nullopt;
    return std::string(row.text(0) == "ok" ? "" : row.text(0));
} catch (const sqlite_error& error) {
    if (error.is_damage())
        return error.what();
    return std::nullopt;
}

} // namespace

inspector::~inspector()
{
    is_stopping_ = true;
    wait();
}

void inspector::begin(std::filesystem::path file, std::function<void(const std::string&)> done)
{
    if (is_running_)
        return;
    wait();
    is_running_ = true;
    // Signals are the main thread's.
    ::sigset_t all;
    ::sigset_t before;
    (void)::sigfillset(&all);
    (void)::pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this, file = std::move(file), done = std::move(done)] {
        if (const auto found = look_at(file, is_stopping_); found)
            done(*found);
        is_running_ = false;
    });
    (void)::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void inspector::wait()
{
    if (thread_.joinable())
        thread_.join();
}

} // namespace finwait::daemon
