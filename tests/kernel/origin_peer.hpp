// Raw clients for the tests of the origin: sockets that do nothing by themselves, in the origin's
// own thread. Whoever waits runs the origin's io_context meanwhile.
#pragma once

#include "probe/kernel/socket_address.hpp"
#include "probe/kernel/socket_facts.hpp"
#include "probe/kernel/unique_fd.hpp"
#include "probe/origin/origin.hpp"
#include "probe/origin/tcp_facts.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <doctest/doctest.h>
#include <openssl/ssl.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <poll.h>
#include <sys/socket.h>

namespace finwait::test {

namespace net = boost::asio;
using namespace std::chrono_literals;

/// Far longer than anything here takes: reached only by a failure.
constexpr auto patience = 20s;

/// Runs the loop until the condition holds. Fails the test when it never does.
template <class Condition>
void run_until(net::io_context& io, Condition holds)
{
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!holds()) {
        REQUIRE(std::chrono::steady_clock::now() < deadline);
        io.restart();
        io.run_one_for(1ms);
    }
}

/// Runs one coroutine to its end and gives its value.
template <class T>
T finish(net::io_context& io, net::awaitable<T> what)
{
    std::optional<T> value;
    std::exception_ptr failed;
    net::co_spawn(io, std::move(what), [&](std::exception_ptr error, T got) {
        failed = error;
        value = std::move(got);
    });
    run_until(io, [&] { return value.has_value(); });
    if (failed)
        std::rethrow_exception(failed);
    return std::move(*value);
}

inline void finish(net::io_context& io, net::awaitable<void> what)
{
    bool done = false;
    std::exception_ptr failed;
    net::co_spawn(io, std::move(what), [&](std::exception_ptr error) {
        failed = error;
        done = true;
    });
    run_until(io, [&] { return done; });
    if (failed)
        std::rethrow_exception(failed);
}

/// An origin and its loop; stopped at the end.
struct stage
{
    explicit stage(const origin::script& how, std::shared_ptr<net::ssl::context> tls = nullptr)
    {
        auto started = origin::server::start(io, how, std::move(tls));
        REQUIRE_MESSAGE(started.has_value(), started.error().message());
        server = std::move(*started);
    }
    stage(const stage&) = delete;
    stage& operator=(const stage&) = delete;
    ~stage() { finish(io, server->stop()); }

    origin::result<std::size_t> stall() { return finish(io, server->stall(patience)); }

    /// The stalled connection; the test fails when there is none.
    const origin::seen_connection& stalled()
    {
        const auto index = stall();
        REQUIRE_MESSAGE(index.has_value(), index.error().message());
        const auto& seen = server->connections().at(*index);
        CHECK(seen.stalled);
        return seen;
    }
    const origin::seen_connection& first() const { return server->connections().at(0); }
    void let_go(after_action how) { finish(io, server->let_go(how, patience)); }

    net::io_context io;
    std::unique_ptr<origin::server> server;
};

/// How a connection ended as its client sees it.
enum class ending { open, fin, reset };

/// A client's socket, non-blocking.
class peer
{
public:
    explicit peer(stage& at, int receive_buffer_bytes = 0) : at_(at)
    {
        const auto to = kernel::to_socket_address(at.server->address());
        fd_.reset(::socket(to.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        REQUIRE(fd_);
        if (receive_buffer_bytes > 0)
            (void)::setsockopt(
                fd(), SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes
            );
        const int called = ::connect(fd(), to.get(), to.size);
        REQUIRE((called == 0 || errno == EINPROGRESS));
    }

    int fd() const { return fd_.get(); }
    net::io_context& io() { return at_.io; }

    /// Sends all of it, however long the origin takes to read.
    void send(std::string_view text)
    {
        run_until(at_.io, [&] {
            text.remove_prefix(send_some(text));
            return text.empty();
        });
    }

    /// Sends what the kernel takes now.
    std::size_t send_some(std::string_view text)
    {
        const auto sent = ::send(fd(), text.data(), text.size(), MSG_NOSIGNAL);
        return sent > 0 ? static_cast<std::size_t>(sent) : 0;
    }

    /// So many bytes, or fewer when the connection ends.
    std::string receive(std::size_t wanted)
    {
        std::string got;
        run_until(at_.io, [&] { return !take(got, wanted) || got.size() == wanted; });
        return got;
    }

    /// Everything until the connection ends.
    std::string receive_all() { return receive(std::string::npos); }

    /// What is in the receive queue.
    std::size_t queued()
    {
        const auto unread = kernel::unread_bytes(fd());
        return unread ? *unread : 0;
    }

    void wait_for_queued(std::size_t bytes)
    {
        run_until(at_.io, [&] { return queued() >= bytes; });
    }

    ending wait_for_end()
    {
        std::string ignored;
        run_until(at_.io, [&] { return !take(ignored, std::string::npos); });
        return end_;
    }
    ending end() const { return end_; }
    void close() { fd_.reset(); }
    void reset()
    {
        const linger at_once{1, 0};
        (void)::setsockopt(fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        fd_.reset();
    }
    void shut_down_sending() { ::shutdown(fd(), SHUT_WR); }

    /// Reads what is there; false once the connection has ended.
    bool take(std::string& into, std::size_t wanted)
    {
        std::array<char, 16384> piece;
        while (into.size() < wanted) {
            const auto most = std::min(piece.size(), wanted - into.size());
            const auto got = ::recv(fd(), piece.data(), most, 0);
            if (got > 0) {
                into.append(piece.data(), static_cast<std::size_t>(got));
                continue;
            }
            if (got < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOTCONN))
                return true;
            end_ = got == 0 ? ending::fin : ending::reset;
            return false;
        }
        return true;
    }

private:
    stage& at_;
    kernel::unique_fd fd_;
    ending end_ = ending::open;
};

/// TLS over a peer, by OpenSSL on memory: nothing goes over the wire that is not sent here.
class tls_peer
{
public:
    explicit tls_peer(stage& at, int version = 0)
        : raw(at), context_(SSL_CTX_new(TLS_client_method()))
    {
        if (version != 0) {
            SSL_CTX_set_min_proto_version(context_.get(), version);
            SSL_CTX_set_max_proto_version(context_.get(), version);
        }
        ssl_.reset(SSL_new(context_.get()));
        in_ = BIO_new(BIO_s_mem());
        out_ = BIO_new(BIO_s_mem());
        SSL_set_bio(ssl_.get(), in_, out_);
        SSL_set_connect_state(ssl_.get());
    }

    SSL* ssl() { return ssl_.get(); }

    /// What OpenSSL wants to send: first of all the ClientHello.
    std::string outgoing()
    {
        std::string text(static_cast<std::size_t>(BIO_pending(out_)), '\0');
        if (!text.empty())
            BIO_read(out_, text.data(), static_cast<int>(text.size()));
        return text;
    }

    std::string client_hello()
    {
        SSL_do_handshake(ssl());
        return outgoing();
    }

    void handshake()
    {
        run_until(raw.io(), [&] {
            const int done = SSL_do_handshake(ssl());
            raw.send(outgoing());
            feed();
            return done == 1 || ended_;
        });
        REQUIRE(SSL_is_init_finished(ssl()));
    }

    void send(std::string_view text)
    {
        REQUIRE(SSL_write(ssl(), text.data(), static_cast<int>(text.size())) > 0);
        raw.send(outgoing());
    }

    /// So many bytes, or fewer when the connection ends (see `got_close_notify`).
    std::string receive(std::size_t wanted)
    {
        std::string got;
        run_until(raw.io(), [&] {
            const bool was_last = ended_;
            std::array<char, 16384> piece;
            int bytes = 0;
            while (got.size() < wanted &&
                   (bytes = SSL_read(
                        ssl(),
                        piece.data(),
                        static_cast<int>(std::min(piece.size(), wanted - got.size()))
                    )) > 0)
                got.append(piece.data(), static_cast<std::size_t>(bytes));
            if (got.size() == wanted || got_close_notify() || was_last)
                return true;
            feed();
            return false;
        });
        return got;
    }

    void send_close_notify()
    {
        SSL_shutdown(ssl());
        raw.send(outgoing());
    }
    bool got_close_notify() { return (SSL_get_shutdown(ssl()) & SSL_RECEIVED_SHUTDOWN) != 0; }

    peer raw;

private:
    void feed()
    {
        std::string got;
        ended_ = !raw.take(got, std::string::npos) || ended_;
        if (!got.empty())
            BIO_write(in_, got.data(), static_cast<int>(got.size()));
    }

    struct freer
    {
        void operator()(SSL_CTX* what) const { SSL_CTX_free(what); }
        void operator()(SSL* what) const { SSL_free(what); }
    };
    std::unique_ptr<SSL_CTX, freer> context_;
    std::unique_ptr<SSL, freer> ssl_;
    BIO* in_ = nullptr;  ///< owned by ssl_
    BIO* out_ = nullptr; ///< owned by ssl_
    bool ended_ = false;
};

/// A response body as the origin must make it, made here by another way: its period is 89.
inline std::string expected_body(std::size_t bytes)
{
    std::string text;
    while (text.size() < bytes)
        for (char c = '!'; c < '!' + 89 && text.size() < bytes; ++c)
            text += c;
    return text;
}

inline const std::string get_request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

inline std::string post_head(const std::string& fields)
{
    return "POST / HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n";
}

inline std::string length_head(std::size_t bytes, const std::string& more = "")
{
    return post_head("Content-Length: " + std::to_string(bytes) + "\r\n" + more);
}

inline std::string response_head(const std::string& field)
{
    return "HTTP/1.1 200 OK\r\nServer: finwait\r\nContent-Type: application/octet-stream\r\n" +
           field + "\r\n\r\n";
}

} // namespace finwait::test
