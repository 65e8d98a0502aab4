#include "probe/origin/tcp_facts.hpp"

#include <optional>

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace finwait::origin {

namespace {

std::optional<tcp_info> info_of(int fd)
{
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
        return std::nullopt;
    return info;
}

} // namespace

tcp_state state_of(int fd)
{
    const auto info = info_of(fd);
    return info ? from_kernel(info->tcpi_state) : tcp_state::CLOSE;
}

bool held_by_window(int fd)
{
    const auto info = info_of(fd);
    return info && info->tcpi_unacked == 0 && info->tcpi_notsent_bytes > 0;
}

bool accept_queue_full(int listener)
{
    const auto info = info_of(listener);
    return info && info->tcpi_unacked > info->tcpi_sacked;
}

} // namespace finwait::origin
