// Plain sockets in a network namespace of their own, watched through the kernel's own words.
#pragma once

#include "probe/kernel/counters.hpp"
#include "probe/kernel/sock_diag.hpp"
#include "probe/kernel/socket_facts.hpp"
#include "probe/kernel/sysctl.hpp"
#include "probe/kernel/unique_fd.hpp"
#include "probe/lab/lab.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace finwait::test {

using kernel::socket_id;
using kernel::socket_view;
using kernel::unique_fd;

/// Gives `answer()` once it satisfies `enough`, or what it was at the deadline: polls the kernel,
/// and pauses between two questions only to leave the processor to it.
template <class Ask, class Enough>
auto ask_until(Ask answer, Enough enough)
{
    using clock = std::chrono::steady_clock;
    const auto deadline = clock::now() + std::chrono::seconds(20);
    for (;;) {
        auto last = answer();
        if (enough(last) || clock::now() > deadline)
            return last;
        std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
}

/// The same for one value: gives what was there at last, for a CHECK to compare.
template <class Ask, class Value>
auto ask_for(Ask answer, const Value& wanted)
{
    return ask_until(answer, [&](const auto& last) { return last == wanted; });
}

/// A value, or the end of the test program with the reason.
template <class T>
T must(kernel::result<T> given, const char* what)
{
    if (given)
        return std::move(*given);
    std::fprintf(stderr, "%s: %s\n", what, given.error().message().c_str());
    std::abort();
}

inline void must(bool done, const char* what)
{
    if (done)
        return;
    std::perror(what);
    std::abort();
}

/// The lab of this test program. Without one nothing here can be tested: exit 77 with the reason.
inline const lab::place& the_lab()
{
    static const lab::place here = lab::place::enter(lab::wanted::namespaces);
    if (here.environment().lab == lab_kind::host) {
        const auto& why = here.environment().not_run.back();
        std::fprintf(stderr, "SKIP: %s; %s\n", why.reason.c_str(), why.cure.c_str());
        std::exit(77);
    }
    return here;
}

/// A socket in words: `CLOSE` (the kernel has none), else its state and `owned`, `minisock` or
/// `orphan` (inode 0, so also what nobody has accepted yet).
inline std::string in_words(const std::optional<socket_view>& seen)
{
    if (!seen)
        return "CLOSE";
    std::string text(word(seen->state));
    if (seen->minisock)
        return text + " minisock";
    return text + (seen->inode != 0 ? " owned" : " orphan");
}

/// A fresh network namespace, entered for the life of this object, and what observes it.
class network
{
public:
    network()
        : space_(must(the_lab().make_namespace(), "make_namespace")), inside_(space_, the_lab()),
          diag(must(kernel::sock_diag::open(), "sock_diag")),
          counters_(must(kernel::tcp_counters::open(), "counters")),
          before_(must(counters_.read(), "counters"))
    {
    }

    /// The socket as it is now.
    std::optional<socket_view> see(const socket_id& which)
    {
        return must(diag.look_up(which), "look_up");
    }

    std::string state(const socket_id& which) { return in_words(see(which)); }

    /// Waits for a state (in the words of `in_words`). Gives the last one seen.
    std::string becomes(const socket_id& which, std::string_view wanted)
    {
        return ask_for([&] { return state(which); }, wanted);
    }

    /// How much a counter went up since the beginning. Both ends count.
    std::int64_t counted(std::string_view name)
    {
        const auto moved = kernel::difference(before_, must(counters_.read(), "counters"));
        const auto found = moved.find(name);
        return found == moved.end() ? 0 : found->second;
    }

    /// All TCPAbort… counters together.
    std::int64_t aborts()
    {
        std::int64_t sum = 0;
        for (const auto& [name, count] :
             kernel::difference(before_, must(counters_.read(), "counters")))
            if (name.starts_with("TCPAbort"))
                sum += count;
        return sum;
    }

    void set(std::string_view name, std::string_view value)
    {
        if (auto done = kernel::set_sysctl(name, value); !done)
            must(kernel::result<int>(done.error()), std::string(name).c_str());
    }

private:
    lab::net_namespace space_;
    lab::inside inside_;

public:
    kernel::sock_diag diag;

private:
    kernel::tcp_counters counters_;
    counter_deltas before_;
};

struct socket_address
{
    sockaddr_storage bytes{};
    socklen_t length = 0;

    explicit socket_address(const endpoint& where)
    {
        if (where.family == address_family::ipv4) {
            sockaddr_in v4{};
            v4.sin_family = AF_INET;
            v4.sin_port = htons(where.port);
            std::memcpy(&v4.sin_addr, where.address.data(), 4);
            std::memcpy(&bytes, &v4, length = sizeof v4);
        } else {
            sockaddr_in6 v6{};
            v6.sin6_family = AF_INET6;
            v6.sin6_port = htons(where.port);
            std::memcpy(&v6.sin6_addr, where.address.data(), 16);
            std::memcpy(&bytes, &v6, length = sizeof v6);
        }
    }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&bytes); }
};

inline unique_fd make_socket(address_family family)
{
    unique_fd made(socket(
        family == address_family::ipv4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP
    ));
    must(static_cast<bool>(made), "socket");
    return made;
}

template <class Value>
void set_option(const unique_fd& socket, int level, int name, const Value& value)
{
    must(setsockopt(socket.get(), level, name, &value, sizeof value) == 0, "setsockopt");
}

inline int get_option(const unique_fd& socket, int level, int name)
{
    int value = -1;
    socklen_t length = sizeof value;
    must(getsockopt(socket.get(), level, name, &value, &length) == 0, "getsockopt");
    return value;
}

/// SO_ERROR, which reading takes away.
inline int pending_error(const unique_fd& socket)
{
    return get_option(socket, SOL_SOCKET, SO_ERROR);
}

/// TCP_INFO's state of a socket we have: the only witness of a CLOSE with a descriptor.
inline tcp_state own_state(const unique_fd& socket)
{
    tcp_info info{};
    socklen_t length = sizeof info;
    must(getsockopt(socket.get(), IPPROTO_TCP, TCP_INFO, &info, &length) == 0, "TCP_INFO");
    return from_kernel(info.tcpi_state);
}

inline void linger_zero(const unique_fd& socket)
{
    set_option(socket, SOL_SOCKET, SO_LINGER, linger{1, 0});
}

inline void nonblocking(const unique_fd& socket)
{
    must(fcntl(socket.get(), F_SETFL, O_NONBLOCK) == 0, "fcntl");
}

struct listener
{
    unique_fd fd;
    endpoint where;
};

/// `receive_buffer_bytes` 0: the default; it must be set before listen(2) to shrink the window.
inline listener listen_at(endpoint where, int backlog = 16, int receive_buffer_bytes = 0)
{
    listener made{make_socket(where.family), {}};
    set_option(made.fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (receive_buffer_bytes != 0)
        set_option(made.fd, SOL_SOCKET, SO_RCVBUF, receive_buffer_bytes);
    const socket_address address(where);
    must(bind(made.fd.get(), address.get(), address.length) == 0, "bind");
    must(listen(made.fd.get(), backlog) == 0, "listen");
    made.where = must(kernel::identify(made.fd.get()), "identify").local;
    return made;
}

inline unique_fd connect_to(const endpoint& where)
{
    unique_fd client = make_socket(where.family);
    const socket_address address(where);
    must(connect(client.get(), address.get(), address.length) == 0, "connect");
    return client;
}

inline unique_fd accept_from(const listener& at)
{
    unique_fd accepted(accept4(at.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
    must(static_cast<bool>(accepted), "accept");
    return accepted;
}

/// One end: its descriptor and what names it.
struct end_of_pair
{
    unique_fd fd;
    socket_id id;
    std::uint32_t inode = 0;

    end_of_pair() = default;
    explicit end_of_pair(unique_fd opened)
        : fd(std::move(opened)), id(must(kernel::identify(fd.get()), "identify")),
          inode(must(kernel::inode_of(fd.get()), "inode"))
    {
    }
    void close() { fd.reset(); }
    void write(std::string_view text) const
    {
        must(
            send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(text.size()),
            "send"
        );
    }
    /// Waits until so much lies unread.
    std::uint32_t holds_unread(std::uint32_t bytes) const
    {
        return ask_for([&] { return must(kernel::unread_bytes(fd.get()), "SIOCINQ"); }, bytes);
    }
};

/// Both ends of one connection.
struct socket_pair
{
    listener at;
    end_of_pair client;
    end_of_pair server;

    explicit socket_pair(endpoint where = loopback(address_family::ipv4, 0), int buffer_bytes = 0)
        : at(listen_at(where, 16, buffer_bytes)), client(connect_to(at.where)),
          server(accept_from(at))
    {
    }
};

/// The end that lies opposite, as far as its tuple names it.
inline socket_id opposite(const socket_id& end)
{
    return {0, end.peer, end.local};
}

} // namespace finwait::test
