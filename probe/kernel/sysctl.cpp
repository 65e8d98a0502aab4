#include "probe/kernel/sysctl.hpp"

#include "probe/kernel/system_error.hpp"
#include "probe/kernel/unique_fd.hpp"

#include <array>

#include <fcntl.h>

namespace finwait::kernel {

namespace {

constexpr std::array<std::string_view, 9> names{
    "tcp_fin_timeout",
    "tcp_max_tw_buckets",
    "tcp_orphan_retries",
    "tcp_retries2",
    "tcp_rfc1337",
    "tcp_rto_max_ms",
    "tcp_syn_retries",
    "tcp_timestamps",
    "tcp_tw_reuse"};

/// /proc/sys/net shows the network namespace of the task that opens it.
unique_fd open_setting(std::string_view name, int how)
{
    std::string path = "/proc/sys/net/ipv4/";
    path += name;
    return unique_fd(::open(path.c_str(), how | O_CLOEXEC));
}

} // namespace

std::map<std::string, std::string, std::less<>> tcp_sysctls()
{
    std::map<std::string, std::string, std::less<>> found;
    for (const std::string_view name : names) {
        const unique_fd setting = open_setting(name, O_RDONLY);
        std::array<char, 64> text{};
        const ssize_t size = setting ? ::read(setting.get(), text.data(), text.size()) : -1;
        if (size <= 0)
            continue; // this kernel has no such setting
        std::string_view value(text.data(), static_cast<std::size_t>(size));
        if (value.back() == '\n')
            value.remove_suffix(1);
        found.emplace(name, value);
    }
    return found;
}

result<void> set_sysctl(std::string_view name, std::string_view value)
{
    if (name.empty() || name.find('/') != std::string_view::npos)
        return errno_code(EINVAL);
    const unique_fd setting = open_setting(name, O_WRONLY);
    if (!setting)
        return last_error();
    if (::write(setting.get(), value.data(), value.size()) < 0)
        return last_error();
    return {};
}

} // namespace finwait::kernel
