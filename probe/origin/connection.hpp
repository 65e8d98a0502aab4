// One accepted connection of an origin and how far its exchange has come. Walks to the stall and
// returns there; can be told later to go on to the end. Closes, resets and looks at its socket, but
// decides none of it: that is the server's.
//
//   walk(): [hello] ▶ [handshake] ▶ request up to the goal ▶ response up to the stop ▶ stall
//   answer():                        rest of the request  ▶ rest of the response   ▶ close
#pragma once

#include "probe/origin/origin.hpp"
#include "probe/origin/reading_goal.hpp"
#include "probe/origin/response_text.hpp"
#include "probe/origin/tcp_facts.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace finwait::origin {

/// What all connections of a server share. Outlives them.
struct setting
{
    script how;
    reading_goal goal;
    response_text response;
    std::shared_ptr<net::ssl::context> tls; ///< set exactly when `how.tls`
};

/// Who has the connections: keeps what is seen of them and is told what no return value tells.
class connection_host
{
public:
    virtual seen_connection& seen(std::size_t index) = 0;

    /// The connection's own send stands before a window that the client does not open.
    virtual void on_rest_blocked(std::size_t index) = 0;

    /// A request was answered in full.
    virtual void on_answered(std::size_t index) = 0;

    /// A handler of the connection is outstanding beside its coroutines.
    virtual void enter() = 0;
    virtual void leave() = 0;

protected:
    ~connection_host() = default;
};

class connection
{
public:
    connection(
        net::ip::tcp::socket socket, const setting& shared, connection_host& host, std::size_t index
    );
    ~connection();
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    /// To the kill point. Nothing is pending afterwards. Errors: what ended the exchange before
    /// (eof, connection_reset, a TLS error), bad_message (a fault in the request, see `fault`),
    /// operation_aborted (closed by `close` or `reset`).
    net::awaitable<error_code> walk();

    /// From where `walk` ended to the end: reads the rest of the request (first sending the
    /// withheld `100 Continue`), writes what is still owed of the response, close_notify, FIN.
    /// An incomplete request that ended gets nothing but close_notify. `so_far`: how walk ended.
    net::awaitable<error_code> answer(error_code so_far);

    /// Answers what comes, request by request, until the client or `close` ends it: from where
    /// `walk` stands at `idle`, or from the beginning.
    net::awaitable<error_code> serve();

    bool is_open() const { return socket_.is_open(); }

    /// close(2), nothing else: unread bytes make an RST of it (RFC 2525 2.17).
    void close();

    /// SO_LINGER with a zero timeout, then close(2).
    void reset();

    /// As server::noticed().
    int noticed();

    /// As server::traffic_on().
    std::optional<traffic> traffic_now();

    /// What is wrong with the request or ClientHello; nullptr when nothing is.
    const char* fault() const { return fault_ ? fault_ : request_.fault(); }

private:
    struct tls_layer;

    net::awaitable<error_code> read_hello();
    net::awaitable<error_code> handshake();
    net::awaitable<error_code> read_request(reading_goal goal);
    net::awaitable<error_code> read_more(std::size_t most);
    net::awaitable<error_code> send_continue();
    net::awaitable<error_code> write_response(std::uint64_t end);
    net::awaitable<error_code> write_tls(std::uint64_t end);
    net::awaitable<error_code> finish_exchange();
    net::awaitable<error_code> send_close_notify();
    net::awaitable<error_code> read_close_notify();
    net::awaitable<error_code> close_when_acknowledged();

    error_code receive(std::size_t most);
    error_code receive_hello();
    error_code send(std::uint64_t end);
    void take(std::string_view bytes);
    bool owes_continue(const reading_goal& goal) const;
    void discard_unread();
    void watch_send();
    void on_watch(const error_code& error, std::uint64_t before_bytes);
    void end_watch();

    net::ip::tcp::socket socket_;
    const setting& shared_;
    connection_host& host_;
    std::size_t index_;
    request_reader request_;
    std::uint64_t response_offset_ = 0; ///< bytes of the response that are written
    std::unique_ptr<tls_layer> tls_;    ///< absent before the handshake and without TLS
    std::string hello_;                 ///< raw bytes read at `tls_handshake`
    std::optional<net::steady_timer> timer_;
    /// Of a watched send, for a handler that may outlive the connection: null once it is gone.
    std::shared_ptr<connection*> watched_;
    const char* fault_ = nullptr;
    int noticed_ = 0;
    unsigned reads_ = 0;
    unsigned sends_ = 0;
    bool handshake_done_ = false;
    bool continue_sent_ = false;
    bool sending_ = false;
};

} // namespace finwait::origin
