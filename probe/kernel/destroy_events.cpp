#include "probe/kernel/destroy_events.hpp"

#include "probe/kernel/diag_message.hpp"
#include "probe/kernel/netlink.hpp"
#include "probe/kernel/system_error.hpp"

#include <array>

#include <linux/sock_diag.h>

namespace finwait::kernel {

namespace {

/// An event is 380 bytes: the socket, its protocol and its last tcp_info.
constexpr std::size_t event_bytes = 4096;

} // namespace

struct destroy_events::impl
{
    netlink_socket socket;
};

destroy_events::destroy_events(std::unique_ptr<impl> opened) : impl_(std::move(opened)) {}
destroy_events::destroy_events(destroy_events&&) noexcept = default;
destroy_events& destroy_events::operator=(destroy_events&&) noexcept = default;
destroy_events::~destroy_events() = default;

result<destroy_events> destroy_events::open(int buffer_bytes)
{
    auto socket = netlink_socket::open(NETLINK_SOCK_DIAG, buffer_bytes);
    if (!socket)
        return socket.error();
    for (const int group : {SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET6_TCP_DESTROY})
        if (auto joined = socket->join(group); !joined)
            return joined.error();
    return destroy_events(std::make_unique<impl>(impl{std::move(*socket)}));
}

int destroy_events::fd() const
{
    return impl_->socket.fd();
}

result<destroyed> destroy_events::receive()
{
    destroyed brought;
    alignas(nlmsghdr) std::array<std::byte, event_bytes> buffer;
    for (;;) {
        const auto size = impl_->socket.receive(buffer);
        if (!size && size.error() == errno_code(EAGAIN))
            return brought;
        if (!size && size.error() == errno_code(ENOBUFS)) {
            brought.overrun = true; // said once, before what did fit
            continue;
        }
        if (!size)
            return size.error();
        const auto event = parse_answer(std::span(buffer).first(*size));
        if (event && event->socket)
            brought.cookies.push_back(cookie_of(event->socket->id));
    }
}

} // namespace finwait::kernel
