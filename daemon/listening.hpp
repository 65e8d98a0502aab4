// The daemon's listeners: which of the configuration's and the service manager's there are, and why
// not.
#pragma once

#include "daemon/config/configuration.hpp"
#include "daemon/systemd/inherited_sockets.hpp"
#include "web/server.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace finwait::daemon {

/// What a server listens on besides what the configuration says.
struct listening_options
{
    std::vector<inherited_socket> inherited; ///< each instead of the configured one of its kind
    std::optional<std::string> token;        ///< for writes over TCP
    std::function<void(const std::string&)> log;
};

/// Listens. A default Unix socket that cannot be had is a warning in `how`, and is left out of it.
/// Throws usage_error: a configured place cannot be listened on, with what would help; there is
/// nothing to listen on.
std::unique_ptr<web::server> listen(
    boost::asio::io_context& io, web::backend& from, configuration& how, listening_options options
);

/// `http://127.0.0.1:9793`; empty without TCP.
std::string url_of(const web::server& server);

/// Everything it listens on, for people: `http://127.0.0.1:9793 and /run/finwait/api.sock`.
std::string places_of(const web::server& server);

} // namespace finwait::daemon
