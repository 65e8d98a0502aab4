// Netlink socket diagnostics: one socket asked for by its cookie and its tuple, or destroyed.
// sock_diag(7); net/ipv4/inet_diag.c. No dumps here: their cost follows the host's whole table.
#pragma once

#include "probe/model/endpoint.hpp"
#include "probe/model/tcp_state.hpp"

#include <boost/system/result.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace finwait::kernel {

using boost::system::error_code;
template <class T>
using result = boost::system::result<T>;

/// What names a socket for good: its cookie (SO_COOKIE). The tuple is only the way to find it.
struct socket_id
{
    std::uint64_t cookie = 0; ///< 0: any socket of that tuple
    endpoint local;
    endpoint peer;
};

/// What the kernel says of one socket (struct inet_diag_msg).
struct socket_view
{
    tcp_state state = tcp_state::CLOSE;
    std::uint64_t cookie = 0;
    endpoint local;
    endpoint peer;
    std::uint32_t inode = 0; ///< 0: a minisocket, an orphan, or not yet accepted
    std::uint32_t uid = 0;   ///< in the reader's user namespace; 0 on a minisocket
    bool minisock = false;   ///< FIN_WAIT2 or TIME_WAIT in a timewait minisocket
    tcp_timer timer = tcp_timer::none;
    std::uint32_t expires_ms = 0;
    std::uint32_t retransmits = 0;
    std::uint32_t rqueue = 0; ///< counts a received FIN as one
    std::uint32_t wqueue = 0; ///< counts an unacknowledged SYN or FIN as one
};

/// A netlink socket that answers for the network namespace it was opened in, for ever.
/// One thread at a time. The kernel answers inside send(2), so nothing here waits.
class sock_diag
{
public:
    /// Opens in the calling thread's network namespace. Errors: EMFILE, EPROTONOSUPPORT (no
    /// CONFIG_INET_DIAG), EPERM (a sandbox without AF_NETLINK).
    static result<sock_diag> open();

    /// The socket with that cookie; nullopt when the kernel has none (ENOENT): it is closed, never
    /// was, or its tuple has another owner. With cookie 0: whichever socket has exactly this tuple.
    /// Never answers with a listener or with another tuple (net/ipv4/inet_diag.c
    /// inet_diag_find_one_icsk falls back to the listener for a tuple without a cookie).
    result<std::optional<socket_view>> look_up(const socket_id& which);

    /// Several at once, answers in the order of the questions. Cheaper per socket than one by one.
    result<std::vector<std::optional<socket_view>>> look_up(std::span<const socket_id> which);

    /// The same into what the caller has, at least as long as `which`. Without allocating.
    result<void>
    look_up(std::span<const socket_id> which, std::span<std::optional<socket_view>> found);

    /// SOCK_DESTROY. The cookie must not be 0 (errc::invalid_argument). Errors: ENOENT (no such
    /// socket), EPERM (no CAP_NET_ADMIN over the namespace), EOPNOTSUPP (no
    /// CONFIG_INET_DIAG_DESTROY). tcp_abort() in net/ipv4/tcp.c.
    result<void> destroy(const socket_id& which);

    sock_diag(sock_diag&&) noexcept;
    sock_diag& operator=(sock_diag&&) noexcept;
    sock_diag(const sock_diag&) = delete;
    sock_diag& operator=(const sock_diag&) = delete;
    ~sock_diag();

private:
    struct impl;
    explicit sock_diag(std::unique_ptr<impl> opened);
    std::unique_ptr<impl> impl_;
};

/// What tells "gone" from "the tuple has another owner" after a look-up by cookie found nothing.
enum class absence { gone, tuple_reused };
result<absence> why_absent(sock_diag& kernel, const socket_id& which);

} // namespace finwait::kernel
