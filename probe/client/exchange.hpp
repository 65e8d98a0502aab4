// The built-in client: one HTTP exchange, walked to its kill point, where it stands until it dies.
// It knows the points, and that it may be cancelled, told to throw, or closed; it knows no kill
// method and no origin.
#pragma once

#include "probe/client/stream.hpp"
#include "probe/event.hpp"
#include "probe/model/address_policy.hpp"
#include "probe/model/plan.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_static_buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>

#include <functional>
#include <optional>
#include <string>

namespace finwait::client {

/// Who the client talks to.
struct destination
{
    tcp::endpoint address;  ///< with `name` only its port counts
    std::string name;       ///< to be resolved first; empty: `address` is known
    std::string host;       ///< the Host field
    std::string path = "/"; ///< the request target
    bool stalls = true;     ///< the lab's origin, which stalls; a server that is not ours answers
    std::optional<address_policy> may_lead_to{}; ///< absent: anywhere
};

/// What the client's own code throws when it is told to.
class interrupted : public std::exception
{
public:
    const char* what() const noexcept override { return "the exchange was interrupted"; }
};

/// When the client reacts to what it sees at its kill point.
enum class reaction {
    at_once,   ///< as any client
    when_told, ///< it is held still until let_go(), so that the kernel alone is seen at work
};

/// How the client is set up.
struct setup
{
    /// Opens the socket (and binds it, where that is wanted); the caller knows in which network
    /// namespace. The socket is closed before.
    std::function<error_code(tcp::socket&, const tcp::endpoint& peer)> open;
    net::ssl::context* tls = nullptr;
    reaction reacts = reaction::at_once;
    expiry timeout = expiry::none;
    std::chrono::steady_clock::duration limit{}; ///< of the operation pending at the kill point
};

/// One exchange. One thread; must outlive its coroutine.
class exchange
{
public:
    exchange(const net::any_io_executor& executor, plan what, destination where, setup with);

    /// Walks to the kill point, stands there with its operation pending or held back, and ends as
    /// it is told. Closes its socket in the end, also by unwinding. Terminal cancellation breaks
    /// the pending operation; the socket is then closed as a client library would. Throws
    /// `interrupted` after raise().
    net::awaitable<void> go();

    /// Set when the client stands at its kill point; a pending operation starts right after.
    event& standing() { return standing_; }

    /// The socket while there is one, else null.
    tcp::socket* socket()
    {
        return wire_ != nullptr && wire_->socket().is_open() ? &wire_->socket() : nullptr;
    }

    /// Where it connects to; known for sure once it has a socket.
    const tcp::endpoint& peer() const { return where_.address; }

    /// What the operation at the kill point, or the one that failed before it, ended with.
    error_code ended_with() const { return ended_with_; }

    /// Makes the client's code throw where it stands. The caller cancels its coroutine as well.
    void raise() { obey(order::throw_); }

    /// The client gives up where it stands. A cancellation alone is lost when it comes between two
    /// operations.
    void finish() { obey(order::give_up); }

    /// The library's timeout is over, where no operation is pending that it would end by itself.
    void expire() { obey(order::expire); }

    /// The client may see what happened to its connection, and reacts as any client: it reads until
    /// the error or the end, and closes.
    void let_go() { obey(order::look); }

    /// The same where nothing happened and nothing will: its own deadline closes the socket.
    void let_go_with_deadline(std::chrono::steady_clock::duration own_deadline);

    /// Breaks a name lookup, the one operation that terminal cancellation does not reach.
    void cancel_lookup();

private:
    enum class order { none, throw_, give_up, expire, look };

    void obey(order what);
    void throw_if_told() const;
    error_code stop_if_told() const;
    bool dies_at(kill_point point) const { return plan_.at == point; }
    void start_pending(stream& wire);

    net::awaitable<error_code> walk(stream& wire);
    net::awaitable<error_code> resolve();
    net::awaitable<error_code> connect(stream& wire);
    net::awaitable<error_code> handshake(stream& wire);
    net::awaitable<error_code> send_request(stream& wire);
    net::awaitable<error_code> send_body(stream& wire, std::uint64_t count);
    net::awaitable<error_code> await_continue(stream& wire);
    net::awaitable<error_code> receive_response(stream& wire);
    net::awaitable<error_code> receive_part(stream& wire);
    error_code parse(boost::beast::http::basic_parser<false>& parser);
    template <class Parser, class Enough>
    net::awaitable<error_code> receive(stream& wire, Parser& parser, Enough enough);
    net::awaitable<error_code> after_response(stream& wire);
    net::awaitable<error_code> hold(stream& wire);
    net::awaitable<error_code> read_to_the_end(stream& wire);
    net::awaitable<error_code> write(stream& wire, net::const_buffer what);

    /// More than Beast's parser accepts of a head, which then says so.
    static constexpr std::size_t longest_head_bytes = 9 * 1024;

    net::any_io_executor executor_;
    plan plan_;
    destination where_;
    setup with_;
    event standing_;
    event told_;
    net::steady_timer own_deadline_;
    order order_ = order::none;
    error_code ended_with_;
    stream* wire_ = nullptr;
    tcp::resolver* lookup_ = nullptr;
    boost::beast::flat_static_buffer<longest_head_bytes> received_;
};

} // namespace finwait::client
