#include "daemon/systemd/datagram.hpp"

#include "probe/kernel/unique_fd.hpp"

#include <cerrno>
#include <cstddef>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace finwait::daemon {

namespace {

using kernel::unique_fd;

// 0: the name does not fit.
socklen_t fill(sockaddr_un& out, const std::string& name)
{
    out = {};
    out.sun_family = AF_UNIX;
    if (name.empty() || name.size() >= sizeof out.sun_path)
        return 0;
    std::memcpy(out.sun_path, name.data(), name.size());
    if (name.front() == '@')
        out.sun_path[0] = '\0'; // unix(7): abstract
    return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
}

bool send_descriptor(int to, const unique_fd& file)
{
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))]{};
    msghdr message{};
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* const head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    const int sent = file.get();
    std::memcpy(CMSG_DATA(head), &sent, sizeof sent);
    return ::sendmsg(to, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

// systemd.io/JOURNAL_NATIVE_PROTOCOL: "if the log record data is larger than the datagram limit".
bool send_as_file(int to, std::string_view content)
{
    const unique_fd file(::memfd_create("finwait-log", MFD_ALLOW_SEALING | MFD_CLOEXEC));
    if (!file)
        return false;
    while (!content.empty()) {
        const ssize_t written = ::write(file.get(), content.data(), content.size());
        if (written <= 0)
            return false;
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
    return ::fcntl(file.get(), F_ADD_SEALS, seals) == 0 && send_descriptor(to, file);
}

} // namespace

bool send_datagram(const std::string& to, std::string_view content)
{
    sockaddr_un where{};
    const socklen_t size = fill(where, to);
    const unique_fd from(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (size == 0 || !from ||
        ::connect(from.get(), reinterpret_cast<const sockaddr*>(&where), size) != 0)
        return false;
    if (::send(from.get(), content.data(), content.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
        return true;
    return (errno == EMSGSIZE || errno == ENOBUFS) && send_as_file(from.get(), content);
}

} // namespace finwait::daemon
