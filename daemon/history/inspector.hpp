// Looks through a whole file, off every other thread: PRAGMA quick_check.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

namespace finwait::daemon {

/// One look at a time, by a connection of its own, which does not keep anybody from writing.
class inspector
{
public:
    inspector() = default;
    inspector(const inspector&) = delete;
    inspector& operator=(const inspector&) = delete;
    /// Ends a look that is under way, within milliseconds.
    ~inspector();

    /// Begins, unless a look is under way. `done` is called in the inspector's thread with what is
    /// wrong, or empty: all is well; not at all when it was ended or the file could not be opened.
    void begin(std::filesystem::path file, std::function<void(const std::string&)> done);

    /// Waits for the end of what is under way.
    void wait();

private:
    std::atomic<bool> is_stopping_ = false;
    std::atomic<bool> is_running_ = false;
    std::thread thread_;
};

} // namespace finwait::daemon
