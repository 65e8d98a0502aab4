#include "probe/kernel/counters.hpp"

#include "probe/kernel/counters_text.hpp"
#include "probe/kernel/system_error.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include <fcntl.h>

namespace finwait::kernel {

namespace {

/// Named in every difference: their being zero is evidence as well.
constexpr std::array<std::string_view, 8> telling{
    "AttemptFails",
    "EstabResets",
    "OutRsts",
    "TCPAbortOnClose",
    "TCPAbortOnData",
    "TCPAbortOnTimeout",
    "TCPTimeWaitOverflow",
    "TCPTimeWaited"};

/// Settings and levels that stand among the counters of `Tcp:` (RFC 2012).
constexpr std::array<std::string_view, 5> not_counters{
    "CurrEstab", "MaxConn", "RtoAlgorithm", "RtoMax", "RtoMin"};

/// What /proc/net/netstat calls `TW` is TCPTimeWaited here: two letters explain nothing, and the
/// kernel's own name for it is LINUX_MIB_TIMEWAITED (net/ipv4/proc.c).
std::string_view counter_name(std::string_view name)
{
    return name == "TW" ? "TCPTimeWaited" : name;
}

bool contains(std::span<const std::string_view> names, std::string_view name)
{
    return std::find(names.begin(), names.end(), name) != names.end();
}

/// The next word of a line, taken off its front; empty at its end.
std::string_view take_word(std::string_view& line)
{
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    const std::string_view word = line.substr(0, line.find(' '));
    line.remove_prefix(word.size());
    return word;
}

std::string_view take_line(std::string_view& text)
{
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

void pair_up(std::string_view names, std::string_view values, counter_deltas& into)
{
    for (;;) {
        const std::string_view name = take_word(names);
        const std::string_view digits = take_word(values);
        if (name.empty() || digits.empty())
            return;
        std::int64_t value = 0;
        const auto [stop, failure] =
            std::from_chars(digits.data(), digits.data() + digits.size(), value);
        if (failure == std::errc{} && stop == digits.data() + digits.size() &&
            !contains(not_counters, name))
            into.insert_or_assign(std::string(counter_name(name)), value);
    }
}

/// The whole of a proc file, written afresh by the kernel for every read from its start.
result<std::string> content(const unique_fd& file)
{
    std::string text(16 * 1024, '\0');
    std::size_t size = 0;
    for (;;) {
        if (size == text.size())
            text.resize(2 * text.size());
        const ssize_t got =
            pread(file.get(), text.data() + size, text.size() - size, static_cast<off_t>(size));
        if (got < 0)
            return last_error();
        if (got == 0)
            break;
        size += static_cast<std::size_t>(got);
    }
    text.resize(size);
    return text;
}

} // namespace

void parse_counters(std::string_view text, std::string_view group, counter_deltas& into)
{
    while (!text.empty()) {
        std::string_view names = take_line(text);
        if (take_word(names) != group)
            continue;
        std::string_view values = take_line(text);
        if (take_word(values) == group)
            pair_up(names, values, into);
    }
}

result<tcp_counters> tcp_counters::open()
{
    tcp_counters opened;
    opened.netstat_.reset(::open("/proc/thread-self/net/netstat", O_RDONLY | O_CLOEXEC));
    if (!opened.netstat_)
        return last_error();
    opened.snmp_.reset(::open("/proc/thread-self/net/snmp", O_RDONLY | O_CLOEXEC));
    if (!opened.snmp_)
        return last_error();
    return opened;
}

result<counter_deltas> tcp_counters::read()
{
    const auto netstat = content(netstat_);
    if (!netstat)
        return netstat.error();
    const auto snmp = content(snmp_);
    if (!snmp)
        return snmp.error();
    counter_deltas values;
    parse_counters(*netstat, "TcpExt:", values);
    parse_counters(*snmp, "Tcp:", values);
    return values;
}

counter_deltas difference(const counter_deltas& before, const counter_deltas& after)
{
    counter_deltas moved;
    for (const auto& [name, value] : after) {
        const auto earlier = before.find(name);
        const std::int64_t delta = value - (earlier == before.end() ? 0 : earlier->second);
        if (delta > 0 || contains(telling, name))
            moved.emplace(name, delta);
    }
    return moved;
}

} // namespace finwait::kernel
