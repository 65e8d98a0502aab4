// `finwait serve`: the daemon around the service and the HTTP server.
#include "daemon/audit_view.hpp"
#include "daemon/children.hpp"
#include "daemon/commands.hpp"
#include "daemon/crew_choice.hpp"
#include "daemon/errors.hpp"
#include "daemon/output.hpp"
#include "daemon/process_setup.hpp"
#include "daemon/service.hpp"
#include "web/json/nearest.hpp"
#include "web/server.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>

#include <charconv>
#include <csignal>
#include <memory>
#include <string>
#include <utility>

#include <unistd.h>

namespace finwait::daemon {

namespace {

using tcp = net::ip::tcp;
using boost::system::error_code;

tcp::endpoint address_of(const std::string& text)
{
    finwait::endpoint read;
    if (!parse_endpoint(text, read))
        throw usage_error(fmt::format(
            "--listen: {} is no address with a port; write 127.0.0.1:9793 or [::1]:9793",
            in_quotes(text)
        ));
    if (read.family == address_family::ipv6)
        return {net::ip::address_v6(read.address), read.port};
    const net::ip::address_v4::bytes_type four{
        read.address[0], read.address[1], read.address[2], read.address[3]};
    return {net::ip::address_v4(four), read.port};
}

std::string url_of(const tcp::endpoint& where)
{
    const std::string host = where.address().to_string();
    return where.address().is_v6() ? fmt::format("http://[{}]:{}", host, where.port())
                                   : fmt::format("http://{}:{}", host, where.port());
}

std::string why_not_listening(const std::string& where, const error_code& ec)
{
    std::string text = fmt::format("cannot listen on {}: {}", where, ec.message());
    if (ec == net::error::address_in_use)
        text += "; another program (another finwait?) has the port: stop it, or choose another "
                "with --listen 127.0.0.1:PORT";
    else if (ec == boost::system::errc::operation_not_permitted)
        text += "; only loopback addresses are served: 127.0.0.1:PORT or [::1]:PORT";
    else if (ec == boost::system::errc::permission_denied)
        text += "; ports below 1024 need a right of their own: choose a higher one";
    return text;
}

std::unique_ptr<web::server>
listen(net::io_context& io, const web::backend& from, const serve_options& options)
{
    auto made = web::server::make(
        io,
        from,
        {.where = address_of(options.listen),
         .log =
             [](const auto& text) {
                 complain(text);
             }}
    );
    if (!made)
        throw usage_error(why_not_listening(options.listen, made.error()));
    return std::move(*made);
}

// The matrix once, for whoever has just started the daemon; a line for each audit after that.
class announcer
{
public:
    explicit announcer(const output_options& how) : how_(how) {}

    void audit_done(const audit& done, const std::string& url)
    {
        if (!std::exchange(is_first_, false)) {
            complain(fmt::format("audit {}: {}", done.id, summary_line(done)));
            return;
        }
        try {
            print_matrix(done, url);
        } catch (const output_error& error) {
            complain(error.what()); // the API is what the daemon is for: it lives on
        }
    }

private:
    void print_matrix(const audit& done, const std::string& url) const
    {
        const color use = decide(how_.color, facts_of(STDOUT_FILENO));
        print(show(done, {.width = width_of(STDOUT_FILENO), .use_color = use}));
        print(fmt::format("\nJSON: {}/api/v1/status\n", url));
    }

    output_options how_;
    bool is_first_ = true;
};

} // namespace

exit_code run_serve(const serve_options& options)
{
    become_subreaper();
    ignore_broken_pipes();
    raise_descriptor_limit();
    net::io_context io(1);
    service_options how{.every = options.every};
    for (plan& each : all_plans({}))
        how.audit.plans.push_back({.plan = std::move(each), .id = {}, .client = {}});
    how.audit.crew = choose_crew(how.audit.plans, 0, 0);
    announcer announce(options.output);
    std::string url;
    service daemon(
        io,
        std::move(how),
        [&](const audit& done) { announce.audit_done(done, url); },
        [](const std::string& text) { complain(text); }
    );
    const auto server = listen(io, daemon, options);
    url = url_of(server->local());
    net::signal_set signals(io, SIGINT, SIGTERM);
    signals.async_wait([&](const error_code&, int) {
        server->stop();
        daemon.stop();
        io.stop();
    });
    complain(fmt::format("listening on {}; the first audit has begun", url));
    daemon.start();
    io.run();
    return exit_code::clean;
}

} // namespace finwait::daemon
