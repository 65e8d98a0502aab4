#include "probe/kernel/holders.hpp"

#include "probe/kernel/system_error.hpp"
#include "probe/kernel/unique_fd.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

namespace finwait::kernel {

namespace {

constexpr std::size_t command_limit_bytes = 200;

struct close_directory
{
    void operator()(DIR* directory) const { closedir(directory); }
};
using directory = std::unique_ptr<DIR, close_directory>;

/// A whole text that is a decimal number.
template <class Number>
std::optional<Number> number(std::string_view text)
{
    Number value{};
    const auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{} || stop != text.data() + text.size())
        return std::nullopt;
    return value;
}

std::string process_path(std::int32_t pid, std::string_view file)
{
    return "/proc/" + std::to_string(pid) + "/" + std::string(file);
}

/// The first bytes of a small file; empty when it cannot be read.
std::string beginning_of(const std::string& path, std::size_t limit)
{
    const unique_fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string text(limit, '\0');
    const ssize_t size = file ? read(file.get(), text.data(), text.size()) : -1;
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
}

/// Calls `visit(name)` with the numeric names of a directory.
template <class Number, class Visit>
void for_each_number(DIR* where, Visit visit)
{
    while (const dirent* const entry = readdir(where))
        if (const auto name = number<Number>(entry->d_name))
            visit(*name);
}

/// The inode in a link's text `socket:[4711]`; nullopt for anything else a descriptor can be.
std::optional<std::uint32_t> socket_inode(std::string_view link)
{
    constexpr std::string_view head = "socket:[";
    if (!link.starts_with(head) || !link.ends_with(']'))
        return std::nullopt;
    link.remove_prefix(head.size());
    link.remove_suffix(1);
    return number<std::uint32_t>(link);
}

/// Calls `visit(fd, inode)` for every socket among a process's descriptors. Error: of opening the
/// list, or EACCES when its links cannot be read.
template <class Visit>
result<void> for_each_socket(std::int32_t pid, Visit visit)
{
    const directory list(opendir(process_path(pid, "fd").c_str()));
    if (!list)
        return last_error();
    bool refused = false;
    for_each_number<std::int32_t>(list.get(), [&](std::int32_t fd) {
        std::array<char, 64> link{};
        const std::string name = std::to_string(fd);
        const ssize_t size = readlinkat(dirfd(list.get()), name.c_str(), link.data(), link.size());
        if (size < 0) {
            refused = refused || errno == EACCES || errno == EPERM;
            return;
        }
        if (const auto inode = socket_inode({link.data(), static_cast<std::size_t>(size)}))
            visit(fd, *inode);
    });
    if (refused)
        return errno_code(EACCES);
    return {};
}

/// Kernel threads have no descriptors of their own: one that may not be read hides nothing.
/// PF_KTHREAD in the ninth field of /proc/PID/stat, proc(5).
bool is_kernel_thread(std::int32_t pid)
{
    constexpr std::uint32_t pf_kthread = 0x00200000;
    const std::string text = beginning_of(process_path(pid, "stat"), 512);
    const auto name_end = text.rfind(')'); // the name before it may hold anything
    if (name_end == std::string::npos)
        return false;
    std::string_view rest = std::string_view(text).substr(name_end + 1);
    for (int field = 3; field < 9; ++field) {
        rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
        rest.remove_prefix(std::min(rest.find(' '), rest.size()));
    }
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    const auto flags = number<std::uint32_t>(rest.substr(0, rest.find(' ')));
    return flags && (*flags & pf_kthread) != 0;
}

void add_holders(std::int32_t pid, std::uint32_t inode, holders_found& found)
{
    std::vector<std::int32_t> descriptors;
    const auto read = for_each_socket(pid, [&](std::int32_t fd, std::uint32_t open_inode) {
        if (open_inode == inode)
            descriptors.push_back(fd);
    });
    if (!read && (read.error() == errno_code(EACCES) || read.error() == errno_code(EPERM)) &&
        !is_kernel_thread(pid))
        ++found.hidden_processes;
    if (descriptors.empty())
        return;
    std::sort(descriptors.begin(), descriptors.end());
    const std::string command = command_of(pid);
    for (const std::int32_t fd : descriptors)
        found.holders.push_back({pid, fd, command});
}

/// Cuts a text to that many bytes without leaving half a UTF-8 character at its end.
void shorten(std::string& text, std::size_t limit)
{
    if (text.size() <= limit)
        return;
    std::size_t end = limit;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
        --end;
    text.resize(end);
}

} // namespace

holders_found find_holders(std::uint32_t inode, std::span<const std::int32_t> pids)
{
    holders_found found;
    std::vector<std::int32_t> sorted(pids.begin(), pids.end());
    std::sort(sorted.begin(), sorted.end());
    sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
    for (const std::int32_t pid : sorted)
        add_holders(pid, inode, found);
    return found;
}

holders_found find_holders(std::uint32_t inode)
{
    std::vector<std::int32_t> pids;
    if (const directory processes{opendir("/proc")})
        for_each_number<std::int32_t>(processes.get(), [&](std::int32_t pid) {
            pids.push_back(pid);
        });
    return find_holders(inode, pids);
}

result<std::vector<socket_descriptor>> socket_descriptors(std::int32_t pid)
{
    std::vector<socket_descriptor> found;
    const std::string base = process_path(pid, "fd/");
    const auto read = for_each_socket(pid, [&](std::int32_t fd, std::uint32_t inode) {
        // getxattr(2) follows the link to the socket, which lgetxattr(2) would not. The value ends
        // with a NUL (net/socket.c sockfs_xattr_get()).
        std::array<char, 64> name{};
        const std::string path = base + std::to_string(fd);
        const ssize_t size =
            getxattr(path.c_str(), "system.sockprotoname", name.data(), name.size() - 1);
        found.push_back({fd, inode, size > 0 ? std::string(name.data()) : std::string()});
    });
    if (!read)
        return read.error();
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.fd < b.fd; });
    return found;
}

std::string command_of(std::int32_t pid)
{
    // Some bytes more, so that `shorten` sees where a character that is cut began.
    std::string text = beginning_of(process_path(pid, "cmdline"), command_limit_bytes + 4);
    while (!text.empty() && text.back() == '\0')
        text.pop_back();
    std::replace(text.begin(), text.end(), '\0', ' ');
    shorten(text, command_limit_bytes);
    return text;
}

result<int> pending_error(std::int32_t pid, std::int32_t fd)
{
    const unique_fd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    if (!process)
        return last_error();
    // Both calls set CLOEXEC themselves.
    const unique_fd copy(static_cast<int>(syscall(SYS_pidfd_getfd, process.get(), fd, 0)));
    if (!copy)
        return last_error();
    int pending = 0;
    socklen_t length = sizeof pending;
    if (getsockopt(copy.get(), SOL_SOCKET, SO_ERROR, &pending, &length) != 0)
        return last_error();
    return pending;
}

} // namespace finwait::kernel
