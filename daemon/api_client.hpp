// The daemon's API from the side of a command: over its Unix socket or over HTTP. Blocking, one
// deadline over each request.
#pragma once

#include "daemon/event_stream.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace finwait::daemon {

struct surroundings;

/// A daemon on a Unix socket.
struct unix_place
{
    std::filesystem::path path;
};

/// A daemon behind a URL.
struct http_place
{
    std::string host; ///< an IPv6 address without its brackets
    std::string port;
    std::string base; ///< path before /api
};

/// Where a daemon is.
struct daemon_place
{
    std::variant<unix_place, http_place> where;
    std::string text; ///< for people
};

/// What a command line says of it.
struct place_words
{
    std::optional<std::string> socket; ///< --socket
    std::optional<std::string> url;    ///< --url
};

/// Where to read: the place that the words name; without any the first of /run/finwait/api.sock and
/// $XDG_RUNTIME_DIR/finwait/api.sock that is there, if this process may use it, else
/// http://127.0.0.1:9793, where everybody may read.
/// Throws usage_error: both at once, a URL that is none, a path too long for a socket.
daemon_place place_of(const place_words& words);
/// The same elsewhere than in this process's surroundings.
daemon_place place_of(const place_words& words, const surroundings& here);

/// The same for what can be asked over the Unix socket alone: never the URL by default, but the
/// first of the paths. Throws usage_error also for --url.
daemon_place writing_place_of(const place_words& words);

/// What a daemon answered.
struct api_reply
{
    unsigned status = 0;    ///< of HTTP; 0: there is no answer, see `problem`
    std::string body;       ///< JSON, as it came
    std::string location;   ///< the field, or empty
    std::string link;       ///< the field, or empty
    std::string problem;    ///< why there is no answer, or what the daemon's problem says; or empty
    std::string code;       ///< of the daemon's problem (`limit_exceeded`), or empty
    bool is_denied = false; ///< there is a socket that we may not use
    bool is_ok() const { return status >= 200 && status < 300; }
};

/// GET. Never throws for what a network does. `limit` is over all of it.
api_reply
ask_daemon(const daemon_place& where, const std::string& target, std::chrono::milliseconds limit);

/// Any other method, with a JSON body (may be empty).
api_reply tell_daemon(
    const daemon_place& where,
    std::string_view method,
    const std::string& target,
    const std::string& body,
    std::chrono::milliseconds limit
);

/// Follows GET /api/v1/events with that query (`audit=ID`, or empty), until `told` gives false:
/// then the reply is 200 and empty. Otherwise the reply says why there are no more: the daemon went
/// away, or was silent for longer than `silence`, or refused. `opened` is called once it listens,
/// before the first event; false ends it as well.
api_reply follow_daemon(
    const daemon_place& where,
    const std::string& query,
    const std::string& last_event_id,
    std::chrono::milliseconds silence,
    const std::function<bool()>& opened,
    const std::function<bool(const api_event&)>& told
);

/// The line for people when there is no answer: `the daemon at … cannot be reached: …`.
std::string unreachable_text(const daemon_place& where, const api_reply& got);

} // namespace finwait::daemon
