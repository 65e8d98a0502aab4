#include "daemon/output.hpp"

#include "daemon/errors.hpp"
#include "probe/kernel/unique_fd.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace finwait::daemon {

namespace {

[[noreturn]] void fail(const std::string& where, int error)
{
    throw output_error(
        fmt::format("cannot write {}: {}", where, std::generic_category().message(error))
    );
}

void wait_until_writable(int fd)
{
    pollfd one{.fd = fd, .events = POLLOUT, .revents = 0};
    (void)::poll(&one, 1, -1); // an error shows in the next write
}

// 0 or the errno.
int write_all(int fd, std::string_view text)
{
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written >= 0)
            text.remove_prefix(static_cast<std::size_t>(written));
        else if (errno == EAGAIN)
            wait_until_writable(fd); // somebody else made our descriptor non-blocking
        else if (errno != EINTR)
            return errno;
    }
    return 0;
}

// What a plain rename would replace by a file is written to in place.
bool is_special(const std::string& path)
{
    struct stat facts
    {
    };
    return ::stat(path.c_str(), &facts) == 0 && !S_ISREG(facts.st_mode);
}

void write_and_close(kernel::unique_fd file, const std::string& path, std::string_view content)
{
    if (!file)
        fail(path, errno);
    if (const int error = write_all(file.get(), content))
        fail(path, error);
    if (::close(file.release()) != 0)
        fail(path, errno);
}

} // namespace

void occupy_standard_descriptors()
{
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (::fcntl(fd, F_GETFD) < 0)
            // The lowest free number is `fd` itself, since those below it are open.
            (void)::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

void print(std::string_view text)
{
    if (const int error = write_all(STDOUT_FILENO, text))
        fail("standard output", error);
}

std::size_t offer(int fd, std::string_view text)
{
    std::size_t done = 0;
    while (done < text.size()) {
        pollfd one{.fd = fd, .events = POLLOUT, .revents = 0};
        if (::poll(&one, 1, 0) != 1 || (one.revents & POLLOUT) == 0)
            break;
        const std::string_view piece = text.substr(done, PIPE_BUF);
        const ssize_t written = ::write(fd, piece.data(), piece.size());
        if (written <= 0)
            break;
        done += static_cast<std::size_t>(written);
    }
    return done;
}

void finish_output()
{
    // A copy: closing the original would free its number for a socket.
    const int copy = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (copy >= 0 && ::close(copy) != 0 && errno != EINTR)
        fail("standard output", errno);
}

void write_file(const std::string& path, std::string_view content)
{
    constexpr int how = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
    if (is_special(path)) {
        write_and_close(kernel::unique_fd(::open(path.c_str(), how, 0666)), path, content);
        return;
    }
    const std::string temporary = fmt::format("{}.{}.tmp", path, ::getpid());
    try {
        write_and_close(kernel::unique_fd(::open(temporary.c_str(), how, 0666)), path, content);
    } catch (const output_error&) {
        (void)::unlink(temporary.c_str());
        throw;
    }
    if (::rename(temporary.c_str(), path.c_str()) != 0) {
        const int error = errno;
        (void)::unlink(temporary.c_str());
        fail(path, error);
    }
}

void complain(std::string_view text)
{
    const std::string line = fmt::format("finwait: {}\n", text);
    (void)write_all(STDERR_FILENO, line);
}

} // namespace finwait::daemon
