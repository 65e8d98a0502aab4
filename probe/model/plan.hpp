// What one probe does.
#pragma once

#include "probe/model/endpoint.hpp"
#include "probe/model/kill_method.hpp"
#include "probe/model/kill_point.hpp"
#include "probe/model/tls_settings.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace finwait {

/// How a message's body is delimited (RFC 9112 section 6).
enum class framing { none, length, chunked, until_close };

template <>
struct words<framing>
{
    static constexpr std::string_view what = "framing";
    static constexpr std::array<std::string_view, 4> table{
        "none", "length", "chunked", "until_close"};
};

/// What the origin does when it is let go, between the two looks.
enum class after_action {
    close,  ///< closes at once, reads and writes nothing more, sends no close_notify
    answer, ///< reads all, writes what it owes, TLS close_notify, closes
    reset,  ///< SO_LINGER with a zero timeout, then close(2)
    stall,  ///< goes on stalling
};

template <>
struct words<after_action>
{
    static constexpr std::string_view what = "action after the first look";
    static constexpr std::array<std::string_view, 4> table{"close", "answer", "reset", "stall"};
};

/// Who gets a signal: the started process alone, as `kill PID`, or its group, as Ctrl-C.
enum class signal_target { leader, group };

template <>
struct words<signal_target>
{
    static constexpr std::string_view what = "signal target";
    static constexpr std::array<std::string_view, 2> table{"leader", "group"};
};

/// A message body. `bytes` is 0 exactly when `how` is `none`, or when the body is empty.
struct body
{
    framing how = framing::none;
    std::uint64_t bytes = 0;

    friend bool operator==(const body&, const body&) = default;
};

constexpr std::uint64_t kibibyte = 1024;
constexpr std::uint64_t mebibyte = 1024 * kibibyte;

/// What one probe does. Not every combination can be: see probe/model/possible.hpp.
struct plan
{
    kill_point at = kill_point::await_response;
    kill_method by = kill_method::close;
    std::string subject = "beast"; ///< whose client is killed
    std::string target = "origin"; ///< `origin` (the lab's own server) or an http or https URL
    std::optional<tls_settings> target_tls{}; ///< of an https URL; absent: as they are by default
    address_family family = address_family::ipv4;
    bool tls = false;
    bool unread = false;        ///< received response bytes stay in the client's receive queue
    bool blocked = false;       ///< request_body: the upload stands behind a full receive window
    double position = 0.5;      ///< how far through the body to die, 0 to 1
    std::string method = "GET"; ///< of the request
    body request{};
    body response{framing::length, 64 * kibibyte};
    unsigned requests = 1; ///< of an external subject
    signal_target signal_to = signal_target::leader;
    after_action after = after_action::close;

    friend bool operator==(const plan&, const plan&) = default;
};

/// Whether another program's client is killed.
inline bool is_external(const plan& what)
{
    return what.subject != "beast";
}

/// Whose client a subject is: its name without the mode.
inline std::string_view client_of(std::string_view subject)
{
    return subject.substr(0, subject.find(':'));
}

/// How many bytes of a body have gone when the exchange dies in it: `position` of them, but at
/// least one and, so that it is not complete, at most all but one (a body of one byte or none: 0).
constexpr std::uint64_t bytes_until_kill(const body& what, double position)
{
    if (what.bytes < 2)
        return 0;
    const auto wanted = static_cast<std::uint64_t>(static_cast<double>(what.bytes) * position);
    return std::clamp<std::uint64_t>(wanted, 1, what.bytes - 1);
}

} // namespace finwait
