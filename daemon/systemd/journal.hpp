// The daemon's log: to the journal with fields of its own when standard error leads there (the
// native protocol, systemd.io/JOURNAL_NATIVE_PROTOCOL), else as lines on standard error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unistd.h>

namespace finwait::daemon {

/// syslog(3)'s, as far as they are used.
enum class log_level { error = 3, warning = 4, notice = 5, info = 6, debug = 7 };

/// A field's name without `FINWAIT_`, in capitals, and its value: {"VERDICT", "leaked"}.
using log_fields = std::vector<std::pair<std::string_view, std::string>>;

/// Writes lines and never waits for their reader: the daemon serves, whoever looks at its log.
/// Lines that nobody takes are counted, and the number is said when somebody does. What strangers
/// may have had a hand in comes out visibly escaped.
class journal
{
public:
    /// To the journal when $JOURNAL_STREAM names standard error's device and inode.
    static journal of_process();
    /// To a socket, and where that fails, or is empty, to the descriptor; for tests.
    explicit journal(std::string socket_path, int lines_to = STDERR_FILENO)
        : socket_path_(std::move(socket_path)), lines_to_(lines_to)
    {
    }

    /// One line with its fields; errors are ignored: there is nobody left to tell. `message_id`: 32
    /// hexadecimal digits that all lines of this kind have in common (systemd.journal-fields(7)).
    void
    log(log_level level,
        std::string_view text,
        const log_fields& fields = {},
        std::string_view message_id = {});

    bool has_fields() const { return !socket_path_.empty(); }

private:
    void write_line(std::string line);

    std::string socket_path_;
    int lines_to_;
    std::uint64_t lost_ = 0;     ///< since the last line that was taken whole
    bool is_unfinished_ = false; ///< the reader has the front of a line
};

} // namespace finwait::daemon
