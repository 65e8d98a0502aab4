#include "daemon/history/place.hpp"

#include "daemon/errors.hpp"
#include "daemon/printable.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace finwait::daemon {

namespace {

/// What SQLite keeps beside a database in WAL mode.
constexpr std::array suffixes{"", "-wal", "-shm"};

std::filesystem::path with(const std::filesystem::path& file, std::string_view suffix)
{
    auto longer = file;
    longer += suffix;
    return longer;
}

[[noreturn]] void refuse(const std::filesystem::path& file, int error)
{
    throw usage_error(fmt::format(
        "the history {} cannot be used: {}",
        printable(file.string()),
        std::system_category().message(error)
    ));
}

kernel::unique_fd open_or_make(const std::filesystem::path& file)
{
    kernel::unique_fd fd(
        ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600)
    );
    if (!fd)
        refuse(file, errno);
    return fd;
}

} // namespace

kernel::unique_fd take_place(const std::filesystem::path& file)
{
    const auto folder = std::filesystem::absolute(file).parent_path();
    const ::mode_t mask = ::umask(077); // nothing else runs yet that could make files
    std::error_code ec;
    std::filesystem::create_directories(folder, ec);
    (void)::umask(mask);
    if (ec)
        refuse(folder, ec.value());
    auto lock = open_or_make(with(file, ".lock"));
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            refuse(file, errno);
        throw usage_error(fmt::format(
            "the history {} is in use by another finwait: stop it, or choose another path",
            printable(file.string())
        ));
    }
    create_file(file);
    return lock;
}

void create_file(const std::filesystem::path& file)
{
    // Closing a descriptor of the file would drop SQLite's locks on it (POSIX): only before SQLite
    // opens it. SQLite gives what it makes beside it the mode of this one.
    const auto made = open_or_make(file);
    struct ::stat facts
    {
    };
    if (::fstat(made.get(), &facts) != 0)
        refuse(file, errno);
    if (!S_ISREG(facts.st_mode))
        throw usage_error(fmt::format("the history {} is no regular file", printable(file.string()))
        );
}

std::filesystem::path set_aside(const std::filesystem::path& file)
{
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    const auto stem = with(file, fmt::format(".damaged-{:%Y%m%dT%H%M%SZ}", now));
    auto name = stem;
    for (int i = 2; std::filesystem::exists(std::filesystem::symlink_status(name)); ++i)
        name = with(stem, fmt::format("-{}", i));
    for (const auto* suffix : suffixes)
        if (const auto from = with(file, suffix); std::filesystem::exists(from))
            std::filesystem::rename(from, with(name, suffix));
    return name;
}

std::uint64_t bytes_of(const std::filesystem::path& file)
{
    std::uint64_t all = 0;
    for (const auto* suffix : suffixes) {
        struct ::stat facts
        {
        };
        if (::stat(with(file, suffix).c_str(), &facts) == 0)
            all += static_cast<std::uint64_t>(facts.st_size);
    }
    return all;
}

bool has_log(const std::filesystem::path& file)
{
    struct ::stat facts
    {
    };
    return ::stat(with(file, "-wal").c_str(), &facts) == 0 && facts.st_size != 0;
}

} // namespace finwait::daemon
