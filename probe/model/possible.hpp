// Which plans can be. The one place that knows; the matrix, `probe` and the worker all ask here.
#pragma once

#include "probe/model/plan.hpp"

#include <optional>
#include <string>
#include <vector>

namespace finwait {

/// Why a plan cannot be.
struct refusal
{
    std::string field;  ///< the plan's member at fault, by its JSON name (`by`, `request.framing`)
    std::string reason; ///< one sentence: why not, and what would do

    friend bool operator==(const refusal&, const refusal&) = default;
};

/// The most requests that an external subject can be asked for.
constexpr unsigned most_requests = 1000;

/// The largest body that can be asked for.
constexpr std::uint64_t largest_body = 1024 * mebibyte;

/// The smallest upload that certainly outgrows the client's send buffer and the origin's receive
/// buffer (tcp_wmem allows 4 MiB, of which 2.8 to 3.9 MB are payload), and so can be blocked.
constexpr std::uint64_t smallest_blocked_body = 4 * mebibyte;

/// nullopt when the plan can be probed; otherwise the first reason why not. Pure. Asks for what
/// completed() fills in. Knows nothing of the environment: a plan may be possible and the machine
/// lack a right for it. A target's URL is looked at for its scheme only.
std::optional<refusal> why_impossible(const plan& wanted);

/// Fills in what a kill point needs and the plan leaves at `none`: a request body for
/// `request_body` and `expect_continue` (64 KiB with a length, 8 MiB when blocked), and the method
/// that goes with it (`POST` with a body, else `GET`, unless the plan names another). `GET` is what
/// a plan has that names none, so with a body it becomes `POST`. Pure; twice is as once.
plan completed(plan wanted);

/// How the request travels.
enum class scheme { http, https };

template <>
struct words<scheme>
{
    static constexpr std::string_view what = "scheme";
    static constexpr std::array<std::string_view, 2> table{"http", "https"};
};

/// What a matrix is made of. An absent list means the default matrix's choice, which is:
/// every kill point; every kill method; HTTP and HTTPS (of a URL: its own scheme); IPv4; received
/// data read and, at `response_headers` and `response_body`, also unread; a `request_body` half
/// sent and blocked; no request body where the point needs none, 64 KiB where it does, 8 MiB
/// when blocked; a response of 64 KiB. Bodies have a length; over HTTP a half-sent request body
/// and a response body that was read are also chunked (inside TLS, blocked or unread, the framing
/// changes nothing that the kernel sees).
struct choices
{
    std::optional<std::vector<kill_point>> points;
    std::optional<std::vector<kill_method>> methods;
    std::optional<std::vector<scheme>> schemes;
    std::optional<std::vector<address_family>> families;
    std::optional<std::vector<body>> requests;
    std::optional<std::vector<body>> responses;
    std::optional<std::vector<bool>> unread;
    std::optional<std::vector<bool>> blocked;
    std::optional<std::string> method; ///< of the request; absent: as completed() has it
    std::string subject = "beast";
    std::string target = "origin";
    std::optional<tls_settings> target_tls; ///< of every plan
    double position = 0.5;
    signal_target signal_to = signal_target::leader;
    after_action after = after_action::close;
};

/// Every possible plan of these choices, completed, each once. In the order of kill points, then of
/// kill methods, then as listed in `choices`. What of the product cannot be is left out, so the
/// result may be empty. Pure.
std::vector<plan> every_plan(const choices& wanted = {});

} // namespace finwait
