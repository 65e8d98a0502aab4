// How far an exchange has come when it dies.
#pragma once

#include "probe/model/words.hpp"

namespace finwait {

/// The kill points in order of life.
enum class kill_point {
    resolve,          ///< the name is being looked up; there is no TCP socket yet
    connect,          ///< the SYN is out and unanswered: SYN_SENT
    connected,        ///< ESTABLISHED, not a byte of the exchange sent
    tls_handshake,    ///< the ClientHello is out and unanswered
    request_headers,  ///< half of the request head is sent
    request_body,     ///< part of the request body is sent, or it is blocked behind a full window
    expect_continue,  ///< the head is sent, `100 Continue` is awaited
    await_response,   ///< the whole request is sent, nothing has come back
    response_headers, ///< part of the response head has come back
    response_body,    ///< the response head and part of the body have come back
    idle,             ///< the exchange is complete, the connection is kept alive
    idle_peer_closed, ///< complete, and then the peer closed: CLOSE_WAIT
    tls_shutdown,     ///< complete, close_notify is sent and unanswered
};

template <>
struct words<kill_point>
{
    static constexpr std::string_view what = "kill point";
    static constexpr std::array<std::string_view, 13> table{
        "resolve",
        "connect",
        "connected",
        "tls_handshake",
        "request_headers",
        "request_body",
        "expect_continue",
        "await_response",
        "response_headers",
        "response_body",
        "idle",
        "idle_peer_closed",
        "tls_shutdown"};
};

} // namespace finwait
