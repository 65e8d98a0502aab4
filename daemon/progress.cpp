#include "daemon/progress.hpp"

#include <fmt/format.h>

#include <string_view>

#include <unistd.h>

namespace finwait::daemon {

namespace {

// Errors are ignored: progress is for whoever is still watching.
void write_to_terminal(std::string_view text)
{
    const ssize_t ignored = ::write(STDERR_FILENO, text.data(), text.size());
    (void)ignored;
}

} // namespace

progress::progress() : is_terminal_(::isatty(STDERR_FILENO) == 1) {}

void progress::reach(std::size_t done)
{
    using namespace std::chrono_literals;
    done_ = done;
    const auto now = std::chrono::steady_clock::now();
    if (!is_terminal_ || (now - last_ < 100ms && done_ != expected_))
        return;
    last_ = now;
    shown_ = true;
    write_to_terminal(fmt::format("\r\x1b[K{} of {} cells", done_, expected_));
}

void progress::clear()
{
    if (shown_)
        write_to_terminal("\r\x1b[K");
    shown_ = false;
}

} // namespace finwait::daemon
