#include "daemon/file_content.hpp"

#include "probe/kernel/unique_fd.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace finwait::daemon {

namespace {

std::string why_no_file(int fd)
{
    struct stat facts
    {
    };
    if (fd < 0 || ::fstat(fd, &facts) != 0)
        return std::strerror(errno);
    if (S_ISDIR(facts.st_mode))
        return std::strerror(EISDIR);
    const bool is_nothing = S_ISCHR(facts.st_mode) && facts.st_rdev == makedev(1, 3); // null(4)
    return S_ISREG(facts.st_mode) || is_nothing ? std::string() : "it is no regular file";
}

// nullopt with errno set.
std::optional<std::string> bytes_of(int fd, std::size_t most)
{
    std::string text(most, '\0');
    std::size_t size = 0;
    while (size < most) {
        const auto got = ::read(fd, text.data() + size, most - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return std::nullopt;
        if (got == 0)
            break;
        size += static_cast<std::size_t>(got);
    }
    text.resize(size);
    return text;
}

} // namespace

file_content content_of(const std::filesystem::path& file, std::size_t most)
{
    // Without O_NONBLOCK open(2) of a FIFO waits until somebody writes to it (fifo(7)).
    const kernel::unique_fd fd(::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (auto why = why_no_file(fd.get()); !why.empty())
        return {.text = {}, .why_not = std::move(why)};
    auto text = bytes_of(fd.get(), most);
    if (!text)
        return {.text = {}, .why_not = std::strerror(errno)};
    return {.text = std::move(text), .why_not = {}};
}

} // namespace finwait::daemon
