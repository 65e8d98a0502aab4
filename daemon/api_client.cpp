#include "daemon/api_client.hpp"

#include "web/json/asking.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <fmt/format.h>

#include <utility>

#include <fcntl.h>

namespace finwait::daemon {

namespace {

namespace net = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using std::chrono::steady_clock;

// An audit with all its reports is the largest; the daemon itself stops at 8 MiB of them.
constexpr std::size_t longest_answer_bytes = 64 * 1024 * 1024;
constexpr std::size_t longest_event_bytes = 1024 * 1024;

// One connection with one request on it. Each step starts an operation and turns the event loop
// until that is done or the time is up; what is pending then ends with this object.
class conversation
{
public:
    explicit conversation(const daemon_place& where) : where_(where), socket_(io_) {}

    // False: see reply().
    bool connect(steady_clock::time_point until)
    {
        until_ = until;
        if (const auto* const local = std::get_if<unix_place>(&where_.where))
            return connect_to(net::local::stream_protocol::endpoint(local->path.string()));
        const auto& remote = std::get<http_place>(where_.where);
        net::ip::tcp::resolver resolver(io_);
        net::ip::tcp::resolver::results_type found;
        if (!step([&](auto done) {
                resolver.async_resolve(
                    remote.host,
                    remote.port,
                    [&found, done](const error_code& ec, auto results) mutable {
                        found = std::move(results);
                        done(ec);
                    }
                );
            }))
            return false;
        for (const auto& each : found)
            if (connect_to(each.endpoint()))
                return true;
        return false;
    }

    bool send(http::request<http::string_body> request)
    {
        http::request<http::string_body> asked = std::move(request);
        asked.set(http::field::host, host());
        asked.prepare_payload();
        return step([&](auto done) {
            http::async_write(socket_, asked, [done](const error_code& ec, std::size_t) mutable {
                done(ec);
            });
        });
    }

    bool read_header()
    {
        parser_.body_limit(longest_answer_bytes);
        const bool read = step([&](auto done) {
            http::async_read_header(
                socket_,
                buffer_,
                parser_,
                [done](const error_code& ec, std::size_t) mutable { done(ec); }
            );
        });
        if (!read)
            return false;
        const auto& answer = parser_.get();
        reply_.status = answer.result_int();
        reply_.location = answer[http::field::location];
        reply_.link = answer[http::field::link];
        return true;
    }

    bool read_body()
    {
        const bool read = parser_.is_done() || step([&](auto done) {
                              http::async_read(
                                  socket_,
                                  buffer_,
                                  parser_,
                                  [done](const error_code& ec, std::size_t) mutable { done(ec); }
                              );
                          });
        if (!read) {
            reply_.status = 0;
            return false;
        }
        reply_.body = std::move(parser_.get().body());
        if (!reply_.is_ok()) {
            const auto said = json::understood_problem(reply_.body);
            reply_.code = said.code;
            reply_.problem =
                said.text.empty() ? fmt::format("HTTP status {}", reply_.status) : said.text;
        }
        return true;
    }

    // Some more bytes of a body without an end. Empty: see reply(), or it has ended after all.
    std::string read_some(steady_clock::time_point until)
    {
        until_ = until;
        parser_.body_limit(boost::none);
        while (!parser_.is_done() && parser_.get().body().empty())
            if (!step([&](auto done) {
                    http::async_read_some(
                        socket_,
                        buffer_,
                        parser_,
                        [done](const error_code& ec, std::size_t) mutable { done(ec); }
                    );
                }))
                return {};
        return std::exchange(parser_.get().body(), {});
    }

    api_reply& reply() { return reply_; }

private:
    using protocol = net::generic::stream_protocol;

    bool connect_to(const protocol::endpoint& where)
    {
        error_code failed;
        socket_.close(failed); // ignoring: it may never have been open
        socket_.open(protocol(where.protocol()), failed);
        if (!failed) {
            (void)::fcntl(socket_.native_handle(), F_SETFD, FD_CLOEXEC);
            reply_ = {};
            return step([&](auto done) { socket_.async_connect(where, done); });
        }
        fail(failed);
        return false;
    }

    template <class Start>
    bool step(Start start)
    {
        bool is_over = false;
        error_code came;
        start([&](const error_code& ec) {
            is_over = true;
            came = ec;
        });
        io_.restart();
        while (!is_over && io_.run_one_until(until_) != 0) {
        }
        if (!is_over) {
            // What is pending refers to this frame: it is ended before we leave.
            error_code ignored;
            socket_.close(ignored);
            io_.restart();
            while (!is_over && io_.run_one() != 0) {
            }
            fail(net::error::timed_out);
            return false;
        }
        if (came)
            fail(came);
        return !came;
    }

    void fail(const error_code& why)
    {
        reply_.status = 0;
        reply_.is_denied = why == boost::system::errc::permission_denied;
        reply_.problem = why == http::error::end_of_stream || why == net::error::eof
                             ? "it closed the connection"
                             : why.message();
    }

    std::string host() const
    {
        const auto* const remote = std::get_if<http_place>(&where_.where);
        if (remote == nullptr)
            return "localhost";
        const bool is_ipv6 = remote->host.find(':') != std::string::npos;
        return fmt::format(
            "{}:{}", is_ipv6 ? "[" + remote->host + "]" : remote->host, remote->port
        );
    }

    const daemon_place& where_;
    steady_clock::time_point until_;
    api_reply reply_;
    net::io_context io_{1};
    protocol::socket socket_;
    boost::beast::flat_buffer buffer_;
    http::response_parser<http::string_body> parser_;
};

std::string path_at(const daemon_place& where, const std::string& target)
{
    const auto* const remote = std::get_if<http_place>(&where.where);
    return remote == nullptr ? target : remote->base + target;
}

api_reply exchange(
    const daemon_place& where,
    http::request<http::string_body> request,
    std::chrono::milliseconds limit
)
{
    conversation with(where);
    request.set(http::field::connection, "close");
    const bool went_well = with.connect(steady_clock::now() + limit) &&
                           with.send(std::move(request)) && with.read_header() && with.read_body();
    (void)went_well; // the reply says it
    return std::move(with.reply());
}

} // namespace

api_reply
ask_daemon(const daemon_place& where, const std::string& target, std::chrono::milliseconds limit)
{
    http::request<http::string_body> request(http::verb::get, path_at(where, target), 11);
    return exchange(where, std::move(request), limit);
}

api_reply tell_daemon(
    const daemon_place& where,
    std::string_view method,
    const std::string& target,
    const std::string& body,
    std::chrono::milliseconds limit
)
{
    http::request<http::string_body> request;
    request.method_string({method.data(), method.size()});
    request.target(path_at(where, target));
    request.set(http::field::content_type, "application/json");
    request.body() = body;
    return exchange(where, std::move(request), limit);
}

api_reply follow_daemon(
    const daemon_place& where,
    const std::string& query,
    const std::string& last_event_id,
    std::chrono::milliseconds silence,
    const std::function<bool()>& opened,
    const std::function<bool(const api_event&)>& told
)
{
    conversation with(where);
    const std::string target = query.empty() ? "/api/v1/events" : "/api/v1/events?" + query;
    http::request<http::string_body> request(http::verb::get, path_at(where, target), 11);
    request.set(http::field::accept, "text/event-stream");
    if (!last_event_id.empty())
        request.set("Last-Event-ID", last_event_id);
    if (!with.connect(steady_clock::now() + silence) || !with.send(std::move(request)) ||
        !with.read_header())
        return std::move(with.reply());
    if (!with.reply().is_ok()) {
        (void)with.read_body(); // the reply says whether it could be read
        return std::move(with.reply());
    }
    if (!opened())
        return std::move(with.reply());
    event_stream events;
    for (;;) {
        const std::string bytes = with.read_some(steady_clock::now() + silence);
        if (bytes.empty())
            break;
        events.push(bytes);
        while (const auto event = events.next())
            if (!told(*event))
                return std::move(with.reply());
        if (events.unfinished_bytes() > longest_event_bytes)
            break;
    }
    with.reply().status = 0;
    if (with.reply().problem.empty())
        with.reply().problem = "its events ended";
    return std::move(with.reply());
}

} // namespace finwait::daemon
