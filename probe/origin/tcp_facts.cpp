#include "probe/origin/tcp_facts.hpp"

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

std::optional<traffic> traffic_of(int fd)
{
    const auto info = info_of(fd);
    if (!info)
        return std::nullopt;
    const tcp_state state = from_kernel(info->tcpi_state);
    return traffic{
        .received_bytes = info->tcpi_bytes_received,
        .sent_bytes = info->tcpi_bytes_sent - info->tcpi_bytes_retrans,
        .peer_ended = state != tcp_state::ESTABLISHED && state != tcp_state::SYN_RECV};
}

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
