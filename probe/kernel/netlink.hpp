// A netlink socket, opened and bound by libnl. The only source that includes libnl is the one that
// implements this: libnl's headers pull in netinet/tcp.h, which clashes with linux/tcp.h.
#pragma once

#include <boost/system/result.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

struct nl_sock;

namespace finwait::kernel {

/// A bound, non-blocking, CLOEXEC netlink socket. It belongs to the network namespace it was opened
/// in, for ever. One thread at a time.
class netlink_socket
{
public:
    /// `protocol`: NETLINK_SOCK_DIAG, NETLINK_ROUTE… `buffer_bytes` is asked of SO_RCVBUF (the
    /// kernel caps it at net.core.rmem_max and doubles the result). Errors: EMFILE,
    /// EPROTONOSUPPORT, EPERM, EAFNOSUPPORT (a sandbox without AF_NETLINK).
    static boost::system::result<netlink_socket> open(int protocol, int buffer_bytes);

    /// Joins a multicast group. The socket is bound by then: on an unbound one the kernel reports
    /// success and delivers nothing.
    boost::system::result<void> join(int group);

    /// Sends one datagram of messages to the kernel, which has dealt with them when this returns.
    boost::system::result<void> send(std::span<const std::byte> messages);

    /// Receives one datagram; never waits. Gives its size. Errors: EAGAIN (there is none), ENOBUFS
    /// (the receive buffer overflowed since the last call; what did fit is still to be received),
    /// EMSGSIZE (longer than `into`, the rest is lost).
    boost::system::result<std::size_t> receive(std::span<std::byte> into);

    /// Sends one request that carries NLM_F_ACK and reads the acknowledgement of its sequence
    /// number. Error: the errno the kernel answered.
    boost::system::result<void> acknowledged(std::span<const std::byte> request);

    int fd() const { return fd_; }

    /// How many small messages the receive buffer holds before the kernel drops the next one.
    std::size_t capacity() const { return capacity_; }

private:
    struct release
    {
        void operator()(nl_sock* socket) const;
    };
    netlink_socket() = default;

    std::unique_ptr<nl_sock, release> socket_;
    int fd_ = -1;
    std::size_t capacity_ = 0;
};

} // namespace finwait::kernel
