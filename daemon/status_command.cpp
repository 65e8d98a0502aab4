// `finwait status`: asks a daemon over HTTP, once or until it is well.
#include "daemon/commands.hpp"
#include "daemon/errors.hpp"
#include "daemon/output.hpp"
#include "daemon/printable.hpp"
#include "daemon/process_setup.hpp"
#include "daemon/quantity.hpp"
#include "web/json/nearest.hpp"
#include "web/json/service.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include <unistd.h>

namespace finwait::daemon {

namespace {

namespace beast = boost::beast;
namespace http = beast::http;
namespace net = boost::asio;
using boost::system::error_code;
using std::chrono::steady_clock;

constexpr std::size_t longest_answer_bytes = 1024 * 1024;
constexpr std::chrono::seconds limit_of_one_request{5};
constexpr std::chrono::milliseconds between_requests{500};

// Where the daemon is.
struct address
{
    std::string host;
    std::string port;
    std::string base; ///< path before /api
};

address address_of(const std::string& text)
{
    const auto read = boost::urls::parse_uri(text);
    if (!read || read->scheme() != "http" || read->host().empty() || read->has_userinfo())
        throw usage_error(
            fmt::format("--url: {} is no http:// URL; write http://127.0.0.1:9793", in_quotes(text))
        );
    std::string base(read->encoded_path());
    while (base.ends_with('/'))
        base.pop_back();
    // host_address() is without the brackets of an IPv6 address.
    return {
        .host = read->host_address(),
        .port = read->has_port() && !read->port().empty() ? std::string(read->port()) : "80",
        .base = base};
}

// An answer, or why there is none.
struct reply
{
    std::optional<service_status> status;
    std::string body;
    std::string problem;
};

// One GET with one deadline over all of it. Runs its own io_context, so that the deadline can end
// what is going on.
class one_request
{
public:
    one_request(const address& where, std::chrono::milliseconds limit)
        : where_(where), resolver_(io_), stream_(io_)
    {
        stream_.expires_after(limit);
        parser_.body_limit(longest_answer_bytes);
    }

    reply get()
    {
        resolver_.async_resolve(where_.host, where_.port, [this](error_code ec, auto found) {
            if (ec)
                return fail(ec);
            stream_.async_connect(found, [this](error_code failed, const auto&) {
                failed ? fail(failed) : send();
            });
        });
        io_.run();
        return std::move(reply_);
    }

private:
    void send()
    {
        request_ = {http::verb::get, where_.base + "/api/v1/status", 11};
        const bool is_ipv6 = where_.host.find(':') != std::string::npos;
        const std::string host = is_ipv6 ? fmt::format("[{}]", where_.host) : where_.host;
        request_.set(http::field::host, fmt::format("{}:{}", host, where_.port));
        request_.set(http::field::connection, "close");
        http::async_write(stream_, request_, [this](error_code ec, std::size_t) {
            ec ? fail(ec) : receive();
        });
    }

    void receive()
    {
        http::async_read(stream_, buffer_, parser_, [this](error_code ec, std::size_t) {
            ec ? fail(ec) : understand();
        });
    }

    void understand()
    {
        const auto& answer = parser_.get();
        if (answer.result() != http::status::ok) {
            reply_.problem = fmt::format("it answers HTTP status {}", answer.result_int());
            return;
        }
        auto read = json::parse_status(answer.body());
        if (!read) {
            reply_.problem = "its answer is no status of finwait: " + read.error().detail;
            return;
        }
        reply_.status = std::move(*read);
        reply_.body = answer.body();
    }

    void fail(const error_code& ec) { reply_.problem = ec.message(); }

    address where_;
    net::io_context io_{1};
    net::ip::tcp::resolver resolver_;
    beast::tcp_stream stream_;
    beast::flat_buffer buffer_;
    http::request<http::empty_body> request_;
    http::response_parser<http::string_body> parser_;
    reply reply_;
};

std::string time_text(std::chrono::system_clock::time_point when)
{
    return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", std::chrono::floor<std::chrono::seconds>(when));
}

verdict color_of(health which)
{
    return which == health::pass   ? verdict::released
           : which == health::warn ? verdict::unverified
                                   : verdict::leaked;
}

std::string show(const service_status& now, color use)
{
    std::string text =
        painted(std::string(word(now.status)), color_of(now.status), use) +
        fmt::format("  finwait {}, since {}\n", printable(now.version), time_text(now.started));
    if (now.last_audit)
        text += fmt::format(
            "  last audit   {}  {}  {}\n",
            word(now.last_audit->outcome),
            time_text(now.last_audit->at),
            printable(now.last_audit->id)
        );
    else
        text += "  last audit   none has ended yet\n";
    text += fmt::format("  findings     {}\n", now.open_findings);
    if (now.next_audit)
        text += fmt::format("  next audit   {}\n", time_text(*now.next_audit));
    for (const auto& [name, check] : now.checks)
        text += fmt::format(
            "  {} {}{}\n",
            padded(printable(name), 12),
            word(check.status),
            check.detail.empty() ? "" : "  " + printable(check.detail)
        );
    return text + fmt::format(
                      "  itself       {} descriptors, {} sockets, {} resident, {} workers\n",
                      now.self.fds,
                      now.self.sockets,
                      show_size(now.self.rss_bytes),
                      now.self.workers
                  );
}

/// Only findings are findings: where nothing has been judged yet, or could not be, that is said.
exit_code what_to_exit_with(const service_status& now)
{
    if (now.status == health::pass)
        return exit_code::clean;
    const bool found = now.last_audit && now.last_audit->outcome == outcome::findings;
    return found ? exit_code::finding : exit_code::unjudged;
}

// Asks once or, when something is waited for, until it is so or the time is up. The API has no
// blocking read yet; the pause is between two questions of a person's, not between events of ours.
reply ask(const status_options& options)
{
    const address where = address_of(options.url);
    if (!options.wait_for)
        return one_request(where, limit_of_one_request).get();
    const auto until = steady_clock::now() + options.timeout;
    for (;;) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(until - steady_clock::now());
        const std::chrono::milliseconds limit = limit_of_one_request;
        reply got = one_request(where, std::clamp(left, std::chrono::milliseconds(1), limit)).get();
        const bool reached = got.status && word(got.status->status) == *options.wait_for;
        if (reached || steady_clock::now() + between_requests >= until)
            return got;
        std::this_thread::sleep_for(between_requests);
    }
}

} // namespace

exit_code run_status(const status_options& options)
{
    ignore_broken_pipes();
    const reply got = ask(options);
    if (!got.status) {
        complain(fmt::format(
            "the daemon at {} cannot be reached: {}; is `finwait serve` running?",
            printable(options.url),
            printable(got.problem)
        ));
        return exit_code::unreachable;
    }
    if (options.output.form == output_form::table)
        print(show(*got.status, decide(options.output.color, facts_of(STDOUT_FILENO))));
    else
        print(got.body + "\n");
    finish_output();
    return what_to_exit_with(*got.status);
}

} // namespace finwait::daemon
