// The server that stalls exactly where it is told, and tells when it does. HTTP/1.1 over TCP and
// TLS, for any client. It knows nothing of kills: it is told to stall, to let go, to close.
#pragma once

#include "probe/kernel/sock_diag.hpp"
#include "probe/model/plan.hpp"
#include "probe/origin/tcp_facts.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace finwait::origin {

namespace net = boost::asio;
using boost::system::error_code;
using kernel::result;

/// Where and how an origin stalls.
struct script
{
    kill_point at = kill_point::await_response;
    address_family family = address_family::ipv4;
    bool tls = false;
    /// request_body: reads the head and at most 16 KiB of the body, SO_RCVBUF 4096 before listen.
    /// `request_bytes_until_stall` does not count then.
    bool blocked = false;
    double position = 0.5; ///< how far through a body
    body request;          ///< what the client is going to send; what arrives decides
    body response;
    /// request_headers and request_body: the built-in client stops by itself; the origin reads
    /// until this many bytes of the request (head and body, as on the wire inside TLS) have come,
    /// and then stalls. 0: the origin alone decides where to stop (any client): in the head after
    /// 12 bytes, in the body after bytes_until_kill() of what the request's own framing announces
    /// (of `request.bytes` when it is chunked). It reads not a byte further, so that what the
    /// client sent beyond that stays in the kernel's receive queue.
    std::uint64_t request_bytes_until_stall = 0;
    /// `idle`: goes on answering what comes on a connection that has reached its stall. For clients
    /// that make more than one request.
    bool serves_on = false;

    friend bool operator==(const script&, const script&) = default;
};

/// A connection as the origin sees it.
struct seen_connection
{
    kernel::socket_id id;             ///< of the origin's end; cookie 0 when it was never accepted
    std::uint64_t request_bytes = 0;  ///< read, inside TLS
    std::uint64_t response_bytes = 0; ///< written, inside TLS
    unsigned answered = 0;            ///< requests that were read and answered in full
    bool complete = false;            ///< nothing is owed to either side: all that came is answered
    bool stalled = false;             ///< has reached the kill point
    bool rest_blocked = false;        ///< blocked in its own send (which counts as stalled)
    boost::system::error_code error;  ///< what ended the exchange before the kill point
    std::string fault; ///< what is wrong with the request or ClientHello; empty: nothing
};

/// TLS 1.2 and 1.3 with a self-signed ECDSA P-256 certificate for `localhost`, 127.0.0.1 and ::1,
/// made now, in memory. Session tickets as OpenSSL sends them by default (two). ALPN http/1.1.
/// One serves any number of servers. Errors: whatever OpenSSL says.
result<std::shared_ptr<net::ssl::context>> make_tls_context();

/// The certificate of such a context, for whoever is to trust it; PEM. Empty: OpenSSL has no
/// memory.
std::string certificate_of(net::ssl::context& tls);

/// One stalling server. Single-threaded; lives on its io_context; destroy it after its coroutines
/// ended (`stop`).
class server
{
public:
    /// Listens on loopback, port 0, in the calling thread's network namespace, and starts serving.
    /// For `connect`: listen(2) with backlog 0 and the accept queue filled by its own connections.
    /// `tls` may be empty when `how.tls` is false. Errors: EMFILE, EADDRNOTAVAIL (no IPv6),
    /// invalid_argument (a TLS kill point or `how.tls` without `tls`).
    ///
    /// Where connections stall: `connected` accepted and not read; `tls_handshake` after the whole
    /// ClientHello; `response_headers` after `position` of the response head, at least
    /// `HTTP/1.1 2`; `response_body` after bytes_until_kill() of the body, chunks being of 4096
    /// bytes; `idle_peer_closed` after the FIN, sent by close(2) (no close_notify) once the
    /// response is acknowledged; `tls_shutdown` when the client's close_notify has come;
    /// `expect_continue` after the head, whether or not it has an Expect field. Other requests with
    /// one get their `100 Continue`.
    static result<std::unique_ptr<server>>
    start(net::io_context& io, script how, std::shared_ptr<net::ssl::context> tls);

    /// Where it listens.
    virtual endpoint address() const = 0;

    /// Waits until a connection has reached the kill point. Gives its index in `connections()`;
    /// every connection is given once, in the order of their stalls.
    /// `connect`: completes at once with no_index, since the origin sees nothing of it (`resolve`
    /// alike). Errors: timed_out; the connection's own error when it ended before and no other is
    /// on its way (eof: the client went away; bad_message: no HTTP or TLS, see `fault`); EMFILE
    /// (nothing more can be accepted); operation_aborted (let go, stopped or cancelled).
    virtual net::awaitable<result<std::size_t>> stall(std::chrono::steady_clock::duration limit
    ) = 0;
    static constexpr std::size_t no_index = static_cast<std::size_t>(-1);

    /// Waits until that many requests have been answered in full, on all connections together.
    /// Errors: timed_out, operation_aborted.
    virtual net::awaitable<error_code>
    answered(unsigned requests, std::chrono::steady_clock::duration limit) = 0;

    /// `arrived` is called whenever a connection was accepted, before a byte of it is read.
    virtual void on_arrival(std::function<void()> arrived) = 0;

    /// Whoever waits for a stall or an answer, now or later, gets operation_aborted where there is
    /// no news: nobody is left that could come.
    virtual void give_up_waiting() = 0;

    /// From now on a client that still works can be told from one that does not: new connections
    /// are served to the end, request by request, and so is what comes on those that wait idle.
    /// What stalls elsewhere goes on stalling.
    virtual void become_healthy() = 0;

    /// Every connection that came, in the order of their coming. A reference into it lasts until
    /// the next one comes.
    virtual const std::vector<seen_connection>& connections() const = 0;

    /// Lets all connections go as `how` says and closes the listener. Completes when every
    /// connection is closed (answer: after at most `limit` closes what is left), `stall`: at once,
    /// and nothing is closed. `answer` sends a withheld `100 Continue` first and does not wait for
    /// the client's close_notify. At `connect` nothing is owed to anybody.
    virtual net::awaitable<void>
    let_go(after_action how, std::chrono::steady_clock::duration limit) = 0;

    /// Outside kills: closes (FIN, or RST with unread bytes) or resets the stalled connections now.
    /// Gives how many it closed. Synchronous.
    virtual std::size_t close_now() = 0;
    virtual std::size_t reset_now() = 0;

    /// What the origin's end of a connection has noticed since the stall, without reading:
    /// the peer's FIN, an error. 0, or an errno (ECONNRESET), or `saw_fin`. Evidence of a kill.
    /// From TCP_INFO's state; SO_ERROR is read (and so cleared) only of a socket that is already
    /// CLOSE. A connection the origin has closed: what was noticed last.
    static constexpr int saw_fin = -1;
    virtual int noticed(std::size_t index) = 0;

    /// What the kernel has counted of a connection up to now, without reading from it. nullopt: the
    /// origin has closed it.
    virtual std::optional<traffic> traffic_on(std::size_t index) const = 0;

    /// Whether a connection from there is one with which it fills its own accept queue (`connect`).
    virtual bool is_own(const endpoint& client) const = 0;

    /// Whether the origin still has the descriptor of a connection open (the kernel may have no
    /// socket behind it any more).
    virtual bool has_descriptor(std::size_t index) const = 0;

    // One connection of many, for probes that share a server. Its index is good until forget().

    /// Waits until the connection of that client has reached the kill point. Errors: as stall();
    /// after timed_out the connection is forgotten.
    virtual net::awaitable<result<std::size_t>>
    stall_of(const endpoint& client, std::chrono::steady_clock::duration limit) = 0;

    /// As let_go(), of that connection alone; the listener stays. `answer` is given at most
    /// `limit`.
    virtual net::awaitable<void>
    let_go_one(std::size_t index, after_action how, std::chrono::steady_clock::duration limit) = 0;

    /// As close_now() and reset_now(), of that connection alone.
    virtual std::size_t close_one(std::size_t index) = 0;
    virtual std::size_t reset_one(std::size_t index) = 0;

    /// Closes that connection and gives its index free for another.
    virtual void forget(std::size_t index) = 0;

    /// Ends everything at once. Completes when no coroutine of this server is left.
    virtual net::awaitable<void> stop() = 0;

    virtual ~server() = default;
};

} // namespace finwait::origin
