// `finwait serve`: start, reload and end of the daemon around the service and the HTTP server.
#include "daemon/announcer.hpp"
#include "daemon/children.hpp"
#include "daemon/commands.hpp"
#include "daemon/config/load.hpp"
#include "daemon/config/show.hpp"
#include "daemon/errors.hpp"
#include "daemon/history/history.hpp"
#include "daemon/listening.hpp"
#include "daemon/output.hpp"
#include "daemon/process_setup.hpp"
#include "daemon/reloading.hpp"
#include "daemon/service.hpp"
#include "daemon/systemd/credential.hpp"
#include "daemon/systemd/inherited_sockets.hpp"
#include "daemon/systemd/journal.hpp"
#include "daemon/systemd/notify.hpp"
#include "web/json/nearest.hpp"
#include "web/server.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace finwait::daemon {

namespace {

namespace net = boost::asio;
using boost::system::error_code;

config_request request_of(const serve_options& options)
{
    config_request out{.here = surroundings_of_process(), .every = options.every};
    if (options.config)
        out.file = *options.config;
    if (finwait::endpoint where; options.listen) {
        if (!parse_endpoint(*options.listen, where))
            throw usage_error(fmt::format(
                "--listen: {} is no address with a port; write 127.0.0.1:9793 or [::1]:9793",
                in_quotes(*options.listen)
            ));
        out.listen = where;
    }
    return out;
}

// The token is a secret of the service manager's: never in a file that everybody reads.
std::optional<std::string> token_of(const configuration& how)
{
    if (how.serve.tcp_writes == tcp_writes::never)
        return std::nullopt;
    auto token = credential("api-token", web::shortest_token_bytes);
    if (!token)
        throw usage_error("serve.tcp_writes = \"token\" needs the credential api-token: "
                          "LoadCredential=api-token:FILE in the unit");
    return token;
}

// A default place that cannot be used costs the history, a configured one the start.
std::unique_ptr<history> open_history(
    net::io_context& io, configuration& how, const std::function<void(const std::string&)>& log
)
{
    if (how.history.path_named_by == named_by::configuration || !how.history.path)
        return history::open(io, how.history, log);
    try {
        return history::open(io, how.history, log);
    } catch (const usage_error& error) {
        how.warnings.push_back(fmt::format("{}; the history is in memory only", error.what()));
        how.history.path.reset();
        return history::open(io, how.history, log);
    }
}

bool has_unix_socket(const std::vector<inherited_socket>& sockets)
{
    return std::any_of(sockets.begin(), sockets.end(), [](const inherited_socket& each) {
        return each.kind == socket_kind::unix_stream;
    });
}

exit_code refuse(const std::vector<config_error>& errors)
{
    for (const config_error& each : errors)
        complain(text_of(each));
    return exit_code::usage;
}

exit_code check_config(const config_request& request)
{
    const auto read = load(request);
    if (!read.errors.empty())
        return refuse(read.errors);
    for (const std::string& each : read.config.warnings)
        complain(fmt::format("warning: {}", each));
    for (const auto& file : read.files)
        print(fmt::format("{}: right\n", file.string()));
    if (read.files.empty())
        print(fmt::format("{}: absent, the defaults hold\n", request.default_file.string()));
    finish_output();
    return exit_code::clean;
}

exit_code print_config(const config_request& request)
{
    const auto read = load(request);
    if (!read.errors.empty())
        return refuse(read.errors);
    print(to_toml(read.config));
    finish_output();
    return exit_code::clean;
}

// The daemon between its start and its end.
class serving
{
public:
    serving(config_request request, configuration how, const output_options& output);

    void listen_on(std::vector<inherited_socket> inherited);
    void run();

private:
    void note(log_level level, const std::string& text) { log_.log(level, text); }
    void await_end();
    void await_reload();
    web::outcome_of<web::document> reload();
    web::outcome_of<web::document> refuse_reload(const std::vector<config_error>& errors);
    void take_over(configuration wanted);
    service_events events();

    config_request request_;
    configuration how_;
    std::size_t warnings_of_file_ = how_.warnings.size();
    std::vector<std::string> lasting_warnings_; ///< of the start: no reload changes what they tell
    journal log_ = journal::of_process();
    service_manager manager_{take_manager_address()};
    announcer announce_;
    net::io_context io_{1};
    std::unique_ptr<history> history_;
    std::unique_ptr<service> service_;
    std::unique_ptr<web::server> server_;
    net::signal_set end_{io_, SIGINT, SIGTERM};
    net::signal_set hangup_{io_};
    watchdog_timer watchdog_{io_, manager_};
};

serving::serving(config_request request, configuration how, const output_options& output)
    : request_(std::move(request)), how_(std::move(how)),
      announce_(
          log_,
          output,
          log_.has_fields() || manager_.is_there() ? audience::journal : audience::person
      )
{
    const auto log = [this](const std::string& text) {
        note(log_level::warning, text);
        if (service_) // not while it is made
            service_->history_changed();
    };
    history_ = open_history(io_, how_, log);
    service_ = service::make(io_, how_, *history_, events());
}

service_events serving::events()
{
    return {
        .noted = [this](const std::string& text) { note(log_level::notice, text); },
        .audit_done = [this](
                          const audit& done, const std::string& name
                      ) { announce_.audit_done(done, name, url_of(*server_)); },
        .changed =
            [this] {
                if (service_) // not while it is made
                    manager_.status(service_->state_line());
            },
        .reload =
            [this] {
                return reload();
            }};
}

void serving::listen_on(std::vector<inherited_socket> inherited)
{
    server_ = listen(
        io_,
        *service_,
        how_,
        {.inherited = std::move(inherited),
         .token = token_of(how_),
         .log =
             [this](const std::string& text) {
                 note(log_level::notice, text);
             }}
    );
    lasting_warnings_ = how_.warnings;
    lasting_warnings_.erase(
        lasting_warnings_.begin(),
        lasting_warnings_.begin() + static_cast<std::ptrdiff_t>(warnings_of_file_)
    );
}

void serving::run()
{
    for (const std::string& each : how_.warnings)
        note(log_level::warning, each);
    await_end();
    await_reload();
    watchdog_.start();
    note(log_level::info, fmt::format("listening on {}; ready", places_of(*server_)));
    manager_.ready(service_->state_line());
    service_->start();
    history_->check();
    io_.run();
}

void serving::await_end()
{
    end_.async_wait([this](const error_code& ec, int) {
        if (ec)
            return;
        manager_.stopping();
        server_->stop();
        service_->stop();
        watchdog_.stop();
        io_.stop();
    });
}

// Not under nohup(1), which wants hang-ups to stay without effect.
void serving::await_reload()
{
    if (is_ignored(SIGHUP))
        return;
    error_code failed;
    if (hangup_.add(SIGHUP, failed); failed)
        return note(log_level::warning, "SIGHUP cannot be awaited: " + failed.message());
    hangup_.async_wait([this](const error_code& ec, int) {
        if (ec)
            return;
        (void)reload(); // it has said itself what came of it
        await_reload();
    });
}

// All or nothing: nothing is taken over of a configuration with a mistake.
web::outcome_of<web::document> serving::reload()
{
    manager_.reloading();
    auto read = load(request_);
    if (!read.errors.empty())
        return refuse_reload(read.errors);
    auto wanted = taken_over(std::move(read.config), how_);
    wanted.warnings.insert(
        wanted.warnings.end(), lasting_warnings_.begin(), lasting_warnings_.end()
    );
    const auto why_not = put_in_force(std::move(wanted), how_, [this](configuration how) {
        take_over(std::move(how));
    });
    if (why_not)
        return refuse_reload({{.detail = *why_not}});
    for (const std::string& each : how_.warnings)
        note(log_level::warning, each);
    service_->note_reload(true, {});
    note(log_level::notice, "the configuration was read again and is in force");
    manager_.ready(service_->state_line());
    return service_->config();
}

web::outcome_of<web::document> serving::refuse_reload(const std::vector<config_error>& errors)
{
    for (const config_error& each : errors)
        note(log_level::error, text_of(each));
    web::problem why = refusal_of(errors);
    note(log_level::error, why.detail);
    service_->note_reload(false, text_of(errors.front()));
    manager_.ready(fmt::format("not reloaded: {}", text_of(errors.front())));
    return why;
}

void serving::take_over(configuration wanted)
{
    how_ = std::move(wanted);
    history_->keep(how_.history);
    service_->apply(how_);
}

exit_code serve(const serve_options& options)
{
    become_subreaper();
    ignore_broken_pipes();
    raise_descriptor_limit();
    auto inherited = take_inherited_sockets();
    config_request request = request_of(options);
    request.has_unix_socket = has_unix_socket(inherited);
    auto read = load(request);
    if (!read.errors.empty())
        return refuse(read.errors);
    serving daemon(std::move(request), std::move(read.config), options.output);
    daemon.listen_on(std::move(inherited));
    daemon.run();
    return exit_code::clean;
}

} // namespace

exit_code run_serve(const serve_options& options)
{
    switch (options.task) {
    case serve_task::check_config:
        return check_config(request_of(options));
    case serve_task::print_config:
        return print_config(request_of(options));
    case serve_task::serve:
        break;
    }
    return serve(options);
}

} // namespace finwait::daemon
