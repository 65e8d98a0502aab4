// How far an audit is, on a terminal's last line.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace finwait::daemon {

/// Writes to standard error when that is a terminal, at most ten times a second, and nothing
/// otherwise. The line is gone when the object is.
class progress
{
public:
    progress();
    ~progress() { clear(); }
    progress(const progress&) = delete;
    progress& operator=(const progress&) = delete;

    void expect(std::size_t cells) { expected_ = cells; }
    void advance() { reach(done_ + 1); }
    /// So many are done.
    void reach(std::size_t done);

    /// Takes the line away, so that something else can be written; advance() brings it back.
    void clear();

private:
    bool is_terminal_ = false;
    bool shown_ = false;
    std::size_t expected_ = 0;
    std::size_t done_ = 0;
    std::chrono::steady_clock::time_point last_{};
};

} // namespace finwait::daemon
