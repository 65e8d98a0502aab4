// A service manager's end of a datagram socket, and variables of the environment for a while.
#pragma once

#include "probe/kernel/unique_fd.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace finwait::daemon::sample {

/// Sets variables, and restores what was there.
class environment
{
public:
    environment() = default;
    ~environment()
    {
        for (const auto& [name, old] : before_)
            (void)(old ? ::setenv(name.c_str(), old->c_str(), 1) : ::unsetenv(name.c_str()));
    }
    environment(const environment&) = delete;
    environment& operator=(const environment&) = delete;

    void set(const std::string& name, const std::string& value)
    {
        const char* const old = std::getenv(name.c_str());
        before_.emplace_back(name, old != nullptr ? std::optional<std::string>(old) : std::nullopt);
        REQUIRE(::setenv(name.c_str(), value.c_str(), 1) == 0);
    }

private:
    std::vector<std::pair<std::string, std::optional<std::string>>> before_;
};

/// Receives what is sent to it. `name`: a path, or abstract after `@`.
class manager_socket
{
public:
    explicit manager_socket(const std::string& name)
        : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_un where{};
        where.sun_family = AF_UNIX;
        REQUIRE(name.size() < sizeof where.sun_path);
        std::memcpy(where.sun_path, name.data(), name.size());
        if (name.front() == '@')
            where.sun_path[0] = '\0';
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
        REQUIRE(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&where), size) == 0);
    }

    /// The next datagram, or the content of the file that it carries; nullopt: none is there.
    std::optional<std::string> received() const
    {
        std::string text(1 << 20, '\0');
        iovec part{text.data(), text.size()};
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))]{};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        const ssize_t size = ::recvmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (size < 0)
            return std::nullopt;
        if (const cmsghdr* const head = CMSG_FIRSTHDR(&message); head != nullptr) {
            int file = -1;
            std::memcpy(&file, CMSG_DATA(head), sizeof file);
            return content_of(kernel::unique_fd(file));
        }
        text.resize(static_cast<std::size_t>(size));
        return text;
    }

private:
    static std::string content_of(const kernel::unique_fd& file)
    {
        struct stat facts
        {
        };
        REQUIRE(::fstat(file.get(), &facts) == 0);
        std::string text(static_cast<std::size_t>(facts.st_size), '\0');
        REQUIRE(::pread(file.get(), text.data(), text.size(), 0) == facts.st_size);
        return text;
    }

    kernel::unique_fd fd_;
};

} // namespace finwait::daemon::sample
