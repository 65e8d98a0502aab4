#include "probe/origin/listener.hpp"

#include "probe/kernel/socket_address.hpp"
#include "probe/kernel/socket_facts.hpp"
#include "probe/kernel/system_error.hpp"
#include "probe/origin/tcp_facts.hpp"

#include <boost/system/errc.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <netinet/in.h>
#include <poll.h>

namespace finwait::origin {

namespace {

using kernel::last_error;
using kernel::socket_address;
using kernel::to_endpoint;
using kernel::to_socket_address;

constexpr int tcp_nodelay = 1; // TCP_NODELAY; <netinet/tcp.h> stays out, see tcp_facts.hpp
constexpr int small_receive_buffer_bytes = 4096;
constexpr int backlog = 4096; // the kernel caps it at net.core.somaxconn
constexpr int most_fillers = 8;

/// Longer than loopback ever needs for a handshake, shorter than the first SYN retransmission (1
/// s).
constexpr int filler_patience_ms = 200;

constexpr int stream_flags = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;

bool set_option(int fd, int level, int name, int value)
{
    return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

result<endpoint> bind_and_listen(int fd, const script& how)
{
    auto address = to_socket_address(loopback(how.family, 0));
    const int length = how.at == kill_point::connect ? 0 : backlog;
    if (::bind(fd, address.get(), address.size) != 0 || ::listen(fd, length) != 0)
        return last_error();
    address.size = sizeof address.storage;
    if (::getsockname(fd, address.get(), &address.size) != 0)
        return last_error();
    return to_endpoint(address);
}

bool wants_small_window(const script& how)
{
    return how.blocked ||
           (how.at == kill_point::request_headers && how.request_bytes_until_stall == 0);
}

enum class filler_end { queued, stays_syn_sent };

/// Connects once more. SYN_SENT is believed only when the listener says that its queue is full, or
/// when it lasts (without SYN cookies a backlog of 0 takes no connection at all).
result<filler_end> add_filler(listener& to)
{
    kernel::unique_fd filler(::socket(kernel::domain_of(to.where.family), stream_flags, 0));
    const auto address = to_socket_address(to.where);
    if (!filler ||
        (::connect(filler.get(), address.get(), address.size) != 0 && errno != EINPROGRESS))
        return last_error();
    if (state_of(filler.get()) == tcp_state::SYN_SENT && !accept_queue_full(to.fd.get())) {
        pollfd connected{filler.get(), POLLOUT, 0};
        (void)::poll(&connected, 1, filler_patience_ms); // ignoring: the state below decides
    }
    const auto state = state_of(filler.get());
    if (state == tcp_state::SYN_SENT)
        return filler_end::stays_syn_sent; // closed here: it leaves nothing, not even a packet
    to.fillers.push_back(std::move(filler));
    return filler_end::queued;
}

boost::system::error_code fill_queue(listener& to)
{
    for (int i = 0; i < most_fillers; ++i) {
        const auto end = add_filler(to);
        if (!end)
            return end.error();
        if (*end == filler_end::stays_syn_sent)
            return {};
    }
    return boost::system::errc::make_error_code(boost::system::errc::timed_out);
}

} // namespace

result<listener> open_listener(const script& how)
{
    listener made;
    made.fd.reset(::socket(kernel::domain_of(how.family), stream_flags, 0));
    if (!made.fd || !set_option(made.fd.get(), IPPROTO_TCP, tcp_nodelay, 1))
        return last_error();
    if (wants_small_window(how) &&
        !set_option(made.fd.get(), SOL_SOCKET, SO_RCVBUF, small_receive_buffer_bytes))
        return last_error();
    const auto where = bind_and_listen(made.fd.get(), how);
    if (!where)
        return where.error();
    made.where = *where;
    if (how.at == kill_point::connect)
        if (const auto error = fill_queue(made); error)
            return error;
    return made;
}

result<accepted> accept_one(int listener, const endpoint& where)
{
    accepted one;
    socket_address peer;
    one.fd.reset(::accept4(listener, peer.get(), &peer.size, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!one.fd)
        return last_error();
    const auto cookie = kernel::cookie_of(one.fd.get());
    if (!cookie)
        return cookie.error();
    one.id.cookie = *cookie;
    one.id.local = where;
    one.id.peer = to_endpoint(peer);
    return one;
}

} // namespace finwait::origin
