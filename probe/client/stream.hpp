// The client's byte stream: TCP or TLS over TCP, with or without Beast's expiry. One type, so that
// the walk and Beast's composed operations are written and compiled once.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/basic_stream.hpp>

#include <chrono>
#include <memory>
#include <utility>

namespace finwait::client {

namespace net = boost::asio;
using boost::system::error_code;
using net::ip::tcp;

/// Whether the library's own timeout stands over the stream's operations.
enum class expiry {
    none,    ///< a plain socket
    library, ///< Beast's basic_stream, whose expiry closes the socket
};

/// AsyncReadStream and AsyncWriteStream. Exactly one of the four layers is there.
class stream
{
public:
    using executor_type = net::any_io_executor;
    using timed_stream = boost::beast::basic_stream<tcp, executor_type>;
    using plain_tls = net::ssl::stream<tcp::socket&>;
    using timed_tls = net::ssl::stream<timed_stream&>;

    stream(const executor_type& executor, expiry how) : plain_(executor)
    {
        if (how == expiry::library)
            timed_ = std::make_unique<timed_stream>(executor);
    }

    executor_type get_executor() { return plain_.get_executor(); }

    /// The socket itself, whatever lies over it.
    tcp::socket& socket() { return timed_ ? timed_->socket() : plain_; }

    /// Puts TLS over the socket. Call once, before the handshake.
    void add_tls(net::ssl::context& context)
    {
        if (timed_)
            timed_tls_ = std::make_unique<timed_tls>(*timed_, context);
        else
            plain_tls_ = std::make_unique<plain_tls>(plain_, context);
    }

    bool is_tls() const { return plain_tls_ || timed_tls_; }

    /// The TLS session. Only after add_tls().
    SSL* tls_session()
    {
        return timed_tls_ ? timed_tls_->native_handle() : plain_tls_->native_handle();
    }

    /// Puts the library's timeout over the operations started from now on. `expiry::library` only.
    void expires_after(std::chrono::steady_clock::duration limit) { timed_->expires_after(limit); }

    /// Lets the library's timeout be over now, and starts an operation that moves no byte: the
    /// library finds that its time is over and closes the socket (basic_stream::ops::transfer_op
    /// looks at the expiry itself when the buffers are empty). `expiry::library` only.
    template <class Token>
    auto async_expire(Token&& token)
    {
        timed_->expires_after(std::chrono::seconds(0));
        return timed_->async_write_some(net::const_buffer(), std::forward<Token>(token));
    }

    template <class Token>
    auto async_connect(const tcp::endpoint& where, Token&& token)
    {
        return net::async_initiate<Token, void(error_code)>(
            [this, where](auto handler) {
                if (timed_)
                    timed_->async_connect(where, std::move(handler));
                else
                    plain_.async_connect(where, std::move(handler));
            },
            token
        );
    }

    template <class Token>
    auto async_handshake(Token&& token)
    {
        return net::async_initiate<Token, void(error_code)>(
            [this](auto handler) {
                constexpr auto role = net::ssl::stream_base::client;
                if (timed_tls_)
                    timed_tls_->async_handshake(role, std::move(handler));
                else
                    plain_tls_->async_handshake(role, std::move(handler));
            },
            token
        );
    }

    /// TLS close_notify, and waiting for the peer's.
    template <class Token>
    auto async_shutdown(Token&& token)
    {
        return net::async_initiate<Token, void(error_code)>(
            [this](auto handler) {
                if (timed_tls_)
                    timed_tls_->async_shutdown(std::move(handler));
                else
                    plain_tls_->async_shutdown(std::move(handler));
            },
            token
        );
    }

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& into, Token&& token)
    {
        return net::async_initiate<Token, void(error_code, std::size_t)>(
            [this](auto handler, const Buffers& buffers) {
                this->visit([&](auto& layer) { layer.async_read_some(buffers, std::move(handler)); }
                );
            },
            token,
            into
        );
    }

    template <class Buffers, class Token>
    auto async_write_some(const Buffers& from, Token&& token)
    {
        return net::async_initiate<Token, void(error_code, std::size_t)>(
            [this](auto handler, const Buffers& buffers) {
                this->visit([&](auto& layer) {
                    layer.async_write_some(buffers, std::move(handler));
                });
            },
            token,
            from
        );
    }

private:
    template <class Function>
    void visit(Function use)
    {
        if (timed_tls_)
            use(*timed_tls_);
        else if (plain_tls_)
            use(*plain_tls_);
        else if (timed_)
            use(*timed_);
        else
            use(plain_);
    }

    tcp::socket plain_;
    std::unique_ptr<timed_stream> timed_;
    std::unique_ptr<plain_tls> plain_tls_;
    std::unique_ptr<timed_tls> timed_tls_;
};

} // namespace finwait::client
