#include "daemon/systemd/journal.hpp"

#include "daemon/output.hpp"
#include "daemon/printable.hpp"
#include "daemon/systemd/datagram.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <cstdlib>

#include <sys/stat.h>
#include <unistd.h>

namespace finwait::daemon {

namespace {

constexpr const char* journal_socket = "/run/systemd/journal/socket";

// systemd.exec(5): $JOURNAL_STREAM is DEVICE:INODE of what was connected; a redirection makes it
// untrue.
bool leads_to_journal(int fd)
{
    const char* const told = std::getenv("JOURNAL_STREAM");
    struct stat now
    {
    };
    return told != nullptr && ::fstat(fd, &now) == 0 &&
           told == fmt::format("{}:{}", now.st_dev, now.st_ino);
}

// NAME=VALUE, or for a value with a newline in it NAME, its length in 64 bits little endian, and
// it.
void append(std::string& out, std::string_view name, std::string_view value)
{
    out += name;
    if (value.find('\n') == std::string_view::npos) {
        out += '=';
    } else {
        out += '\n';
        for (unsigned shift = 0; shift < 64; shift += 8)
            out += static_cast<char>((static_cast<std::uint64_t>(value.size()) >> shift) & 0xFFU);
    }
    out += value;
    out += '\n';
}

std::string entry_of(
    log_level level, const std::string& text, const log_fields& fields, std::string_view message_id
)
{
    std::string out;
    append(out, "MESSAGE", text);
    append(out, "PRIORITY", std::to_string(static_cast<int>(level)));
    append(out, "SYSLOG_IDENTIFIER", "finwait");
    if (!message_id.empty())
        append(out, "MESSAGE_ID", message_id);
    for (const auto& [name, value] : fields)
        append(out, fmt::format("FINWAIT_{}", name), printable(value));
    return out;
}

} // namespace

journal journal::of_process()
{
    return journal(leads_to_journal(STDERR_FILENO) ? journal_socket : "");
}

void journal::log(
    log_level level, std::string_view text, const log_fields& fields, std::string_view message_id
)
{
    const std::string shown = printable(text);
    if (socket_path_.empty() ||
        !send_datagram(socket_path_, entry_of(level, shown, fields, message_id)))
        write_line(fmt::format("finwait: {}\n", shown));
}

void journal::write_line(std::string line)
{
    if (lost_ > 0)
        line.insert(
            0, fmt::format("finwait: log lines lost because nobody read them: {}\n", lost_)
        );
    if (is_unfinished_)
        line.insert(0, "\n");
    const std::size_t taken = offer(lines_to_, line);
    if (taken == line.size()) {
        lost_ = 0;
        is_unfinished_ = false;
        return;
    }
    ++lost_;
    if (taken > 0)
        is_unfinished_ = line[taken - 1] != '\n';
}

} // namespace finwait::daemon
