// Another program's client, as one probe is to run it. Made from a recipe or from the command line.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace finwait::subject {

/// What to run and how to talk to it.
struct client_order
{
    /// argv. {url} {host} {port} {method} {framing} {body_bytes} {body_file} {timeout_ms} and,
    /// over TLS, {ca_file} are
    /// replaced anywhere inside an argument; other braces stay as typed.
    std::vector<std::string> command;
    std::vector<std::pair<std::string, std::string>> variables; ///< set in its environment
    std::string directory; ///< to start in; empty: the worker's

    /// Speaks the driver protocol: waits for `start` after it said READY, takes `cancel`, `health`
    /// and `exit`, says HOLD when its cleanup is done.
    bool is_driver = false;
    std::string hold;         ///< line_pattern of the line "my cleanup is done"; empty: none
    std::string release_hold; ///< what it is sent to go on; empty: nothing

    /// When the first look at a client that lives on is taken after it is done, and repeated while
    /// anything is still open. Ascending, at least one.
    std::vector<std::chrono::milliseconds> settle{
        std::chrono::milliseconds(500), std::chrono::seconds(8)};
    std::chrono::milliseconds timeout{10'000};    ///< for all requests to reach their stall
    std::chrono::milliseconds own_timeout{1'000}; ///< {timeout_ms}

    /// Connections that a correct use keeps open after its successes, where that cannot be
    /// measured; absent: not known.
    std::optional<unsigned> baseline;

    /// `command` in the client's right use, to measure that; empty: it cannot be measured.
    std::vector<std::string> success_command;
    unsigned success_requests = 1; ///< that one `start` gives then, all at once

    std::optional<unsigned> retries; ///< that it makes by itself; absent: not known
    std::optional<bool> survives;    ///< whether it lives on after this kill; absent: not known
    bool is_misuse = false;          ///< a control: a use that is known to leak

    friend bool operator==(const client_order&, const client_order&) = default;
};

} // namespace finwait::subject
