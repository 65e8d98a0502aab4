#include "probe/model/possible.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <utility>

namespace finwait {

namespace {

using enum kill_point;
using answer = std::optional<refusal>;

bool is_one_of(kill_point at, std::initializer_list<kill_point> points)
{
    return std::ranges::find(points, at) != points.end();
}

bool is_peers(kill_method by)
{
    return by == kill_method::peer_close || by == kill_method::peer_reset ||
           by == kill_method::peer_silent;
}

bool is_elsewhere(const plan& wanted)
{
    return wanted.target != "origin";
}

/// RFC 9110 5.6.2: token = 1*tchar.
bool is_token(std::string_view text)
{
    const auto is_tchar = [](char c) {
        const bool alphanumeric =
            (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        return alphanumeric ||
               std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    };
    return !text.empty() && std::ranges::all_of(text, is_tchar);
}

// The plan as a whole
// ------------------------------------------------------------------------------

answer built_in(const plan& wanted)
{
    if (is_external(wanted))
        return {};
    if (wanted.by == kill_method::own)
        return refusal{
            "by",
            "own needs an external subject that ends by itself; of the built-in client deadline, "
            "cancel or throw would do"};
    if (wanted.requests != 1)
        return refusal{"requests", "the built-in client makes one request; requests 1 would do"};
    if (wanted.signal_to != signal_target::leader)
        return refusal{
            "signal_to", "the built-in client is one process without a group; leader would do"};
    return {};
}

/// What no program can be made to do from outside.
answer external(const plan& wanted)
{
    if (!is_external(wanted))
        return {};
    if (family_of(wanted.by) == kill_family::client || wanted.by == kill_method::exit)
        return refusal{
            "by",
            "only the built-in client can be told to die by " + std::string(word(wanted.by)) +
                "; own, a signal, or a kill from outside would do"};
    if (wanted.target != "origin")
        return refusal{
            "target", "a program is killed at the lab's own origin; target origin would do"};
    if (is_one_of(wanted.at, {request_headers, tls_shutdown}))
        return refusal{
            "at",
            "an origin alone cannot make a program stand still at " + std::string(word(wanted.at)) +
                "; await_response or idle would do"};
    if (wanted.at == request_body && !wanted.blocked)
        return refusal{
            "blocked",
            "a program stands still in its upload only behind a closed window; blocked would do"};
    if (wanted.unread)
        return refusal{
            "unread", "whether a program reads is its own affair; unread false would do"};
    if (wanted.requests == 0 || wanted.requests > most_requests)
        return refusal{"requests", "a program makes 1 to 1000 requests; requests 1 would do"};
    return {};
}

answer unbuilt(const plan& wanted)
{
    if (wanted.by == kill_method::cut)
        return refusal{
            "by", "cut needs a link to cut, which this lab does not have; peer_silent would do"};
    return {};
}

answer request_line(const plan& wanted)
{
    if (!is_token(wanted.method) || wanted.method.size() > 64)
        return refusal{
            "method",
            "a method is a token of at most 64 letters, digits and some signs (RFC 9110 5.6.2); "
            "GET or POST would do"};
    if (wanted.method == "CONNECT")
        return refusal{
            "method", "CONNECT makes a tunnel instead of an exchange; GET or POST would do"};
    return {};
}

answer size_of(const body& what, std::string_view whose)
{
    const auto field = [&] {
        return std::string(whose) + ".body_bytes";
    };
    if (what.how == framing::none && what.bytes != 0)
        return refusal{field(), "a body without framing has no bytes; framing length would do"};
    if (what.bytes > largest_body)
        return refusal{field(), "a body has at most 1073741824 bytes (1 GiB)"};
    return {};
}

answer bodies_of(const plan& wanted)
{
    if (wanted.request.how == framing::until_close)
        return refusal{
            "request.framing",
            "only a response can end with the connection (RFC 9112 6.3); length or chunked would "
            "do"};
    if (auto refused = size_of(wanted.request, "request"))
        return refused;
    if (auto refused = size_of(wanted.response, "response"))
        return refused;
    if (!std::isfinite(wanted.position) || wanted.position < 0 || wanted.position > 1)
        return refusal{"position", "a position in a body is a number from 0 to 1; 0.5 would do"};
    return {};
}

// The kill point
// -----------------------------------------------------------------------------------

answer request_body_of(const plan& wanted)
{
    if (!is_one_of(wanted.at, {request_body, expect_continue}))
        return {};
    if (wanted.request.how == framing::none)
        return refusal{
            "request.framing",
            std::string(word(wanted.at)) + " needs a request body; length or chunked would do"};
    // RFC 9110 10.1.1: no `100-continue` without content. Half of a body needs two bytes.
    const std::uint64_t least = wanted.at == request_body ? 2 : 1;
    if (wanted.request.bytes < least)
        return refusal{
            "request.body_bytes",
            std::string(word(wanted.at)) + " needs a request body of at least " +
                std::to_string(least) + " bytes"};
    return {};
}

answer response_of(const plan& wanted)
{
    if (wanted.at == response_body) {
        if (wanted.method == "HEAD")
            return refusal{
                "method", "a HEAD response has no body to die in (RFC 9110 9.3.2); GET would do"};
        if (wanted.response.how == framing::none)
            return refusal{
                "response.framing",
                "response_body needs a response body; length, chunked or until_close would do"};
        if (wanted.response.bytes < 2)
            return refusal{
                "response.body_bytes", "response_body needs a response body of at least 2 bytes"};
    }
    if (wanted.response.how == framing::until_close &&
        is_one_of(wanted.at, {idle, idle_peer_closed, tls_shutdown}))
        return refusal{
            "response.framing",
            "a response that ends with the connection leaves none for " +
                std::string(word(wanted.at)) + "; length or chunked would do"};
    return {};
}

answer unread_and_blocked(const plan& wanted)
{
    if (wanted.unread && !is_one_of(wanted.at, {response_headers, response_body}))
        return refusal{
            "unread",
            "nothing of a response can be left unread at " + std::string(word(wanted.at)) +
                "; response_headers or response_body would do"};
    if (!wanted.blocked)
        return {};
    if (wanted.at != request_body)
        return refusal{
            "blocked", "only an upload can stand behind a closed window; request_body would do"};
    if (wanted.request.bytes < smallest_blocked_body)
        return refusal{
            "request.body_bytes",
            "a smaller upload fits into the buffers and is not blocked; 4194304 bytes (4 MiB) or "
            "more would do"};
    return {};
}

answer resolving(const plan& wanted)
{
    if (wanted.at != resolve)
        return {};
    const kill_family family = family_of(wanted.by);
    if (wanted.by == kill_method::deadline)
        return refusal{
            "by",
            "the library's timeout (Beast's stream expiry) does not cover the resolver; throw or "
            "cancel would do"};
    if (is_peers(wanted.by))
        return refusal{
            "by",
            "there is no peer while the name is looked up; throw, cancel or a kill of the process "
            "would do"};
    const bool dies = family == kill_family::process || family == kill_family::own;
    if (!dies && wanted.by != kill_method::throw_ && wanted.by != kill_method::cancel)
        return refusal{
            "by",
            "there is no socket yet while the name is looked up; throw, cancel or a kill of the "
            "process would do"};
    if (wanted.after != after_action::close)
        return refusal{
            "after", "the origin has no connection while the name is looked up; close would do"};
    return {};
}

answer peers_turn(const plan& wanted)
{
    if (wanted.at == connect && wanted.by == kill_method::peer_silent)
        return refusal{
            "by", "at connect the peer's silence is the kill point itself; deadline would do"};
    if (wanted.at == connect && is_peers(wanted.by))
        return refusal{
            "by",
            "at connect there is no connection that the peer could end; close, reset or "
            "sock_destroy would do"};
    if (wanted.at != idle_peer_closed)
        return {};
    if (is_peers(wanted.by))
        return refusal{
            "by",
            "at idle_peer_closed the peer has closed already; idle would do, or a kill by the "
            "client"};
    if (wanted.after != after_action::close)
        return refusal{
            "after",
            "at idle_peer_closed the origin has closed already and can do nothing more; close "
            "would do"};
    return {};
}

answer encrypted(const plan& wanted)
{
    if (is_one_of(wanted.at, {tls_handshake, tls_shutdown}) && !wanted.tls)
        return refusal{"tls", std::string(word(wanted.at)) + " needs TLS; tls true would do"};
    return {};
}

// A server that is not the lab's own
// ---------------------------------------------------------------

bool begins_with(std::string_view text, std::string_view prefix)
{
    const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    };
    return text.size() >= prefix.size() &&
           std::ranges::equal(text.substr(0, prefix.size()), prefix, {}, lower);
}

std::optional<scheme> scheme_of(std::string_view target)
{
    if (begins_with(target, "https://"))
        return scheme::https;
    if (begins_with(target, "http://"))
        return scheme::http;
    return std::nullopt;
}

answer address_of(const plan& wanted)
{
    const auto how = scheme_of(wanted.target);
    if (!how)
        return refusal{
            "target", "a target is origin or a URL that begins with http:// or https://"};
    if ((*how == scheme::https) != wanted.tls)
        return refusal{
            "tls",
            std::string("the target's URL says ") + std::string(word(*how)) + "; tls " +
                (wanted.tls ? "false" : "true") + " would do"};
    return {};
}

answer stalls_elsewhere(const plan& wanted)
{
    if (!is_one_of(
            wanted.at,
            {connected, request_headers, request_body, await_response, response_body, idle}
        ))
        return refusal{
            "at",
            "a server that is not the lab's own cannot be made to stand still at " +
                std::string(word(wanted.at)) +
                "; connected, request_headers, request_body, await_response, response_body or "
                "idle would do, or target origin"};
    if (wanted.blocked)
        return refusal{
            "blocked",
            "a server that is not the lab's own cannot be made to close its window; target origin "
            "would do"};
    if (wanted.unread && wanted.at != response_body)
        return refusal{
            "unread",
            "a server that is not the lab's own cannot be made to send half a head; response_body "
            "would do, or target origin"};
    return {};
}

answer target_tls_of(const plan& wanted)
{
    if (!wanted.target_tls)
        return {};
    if (!is_elsewhere(wanted))
        return refusal{
            "target_tls",
            "the lab's own origin has a certificate that nobody need trust; a target would do"};
    if (!wanted.tls)
        return refusal{"target_tls", "the target's URL says http; an https URL would do"};
    return {};
}

answer elsewhere(const plan& wanted)
{
    if (!is_elsewhere(wanted))
        return {};
    if (auto refused = address_of(wanted))
        return refused;
    if (auto refused = stalls_elsewhere(wanted))
        return refused;
    if (is_peers(wanted.by))
        return refusal{
            "by",
            "a server that is not the lab's own takes no orders; a kill by the client would do, or "
            "target origin"};
    if (wanted.after != after_action::close)
        return refusal{
            "after",
            "a server that is not the lab's own takes no orders; close, the default, would do, or "
            "target origin"};
    return {};
}

} // namespace

std::optional<refusal> why_impossible(const plan& wanted)
{
    for (const auto rule :
         {built_in,
          external,
          unbuilt,
          request_line,
          bodies_of,
          resolving,
          peers_turn,
          encrypted,
          request_body_of,
          response_of,
          unread_and_blocked,
          elsewhere,
          target_tls_of})
        if (auto refused = rule(wanted))
            return refused;
    return std::nullopt;
}

plan completed(plan wanted)
{
    if (is_external(wanted) && wanted.at == request_body)
        wanted.blocked = true;
    if (wanted.request.how == framing::none && wanted.request.bytes == 0 &&
        is_one_of(wanted.at, {request_body, expect_continue}))
        wanted.request = {framing::length, wanted.blocked ? 8 * mebibyte : 64 * kibibyte};
    const bool unnamed = wanted.method.empty() || wanted.method == "GET";
    if (unnamed)
        wanted.method = wanted.request.how == framing::none ? "GET" : "POST";
    return wanted;
}

namespace {

/// Either what was chosen, or the default.
template <class T>
std::vector<T> either(const std::optional<std::vector<T>>& chosen, std::vector<T> otherwise)
{
    return chosen ? *chosen : std::move(otherwise);
}

template <class Enum>
std::vector<Enum> all_listed()
{
    const auto all = all_of<Enum>();
    return {all.begin(), all.end()};
}

/// The default matrix's request bodies: `none` is what completed() fills in.
std::vector<body> default_requests(const plan& so_far)
{
    std::vector<body> bodies{body{}};
    if (so_far.at == request_body && !so_far.blocked && !so_far.tls)
        bodies.push_back({framing::chunked, 64 * kibibyte});
    return bodies;
}

std::vector<body> default_responses(const plan& so_far)
{
    std::vector<body> bodies{{framing::length, 64 * kibibyte}};
    if (so_far.at == response_body && !so_far.unread && !so_far.tls)
        bodies.push_back({framing::chunked, 64 * kibibyte});
    return bodies;
}

void add(std::vector<plan>& plans, std::size_t from, plan made)
{
    made = completed(std::move(made));
    const auto here = plans.begin() + static_cast<std::ptrdiff_t>(from);
    if (!why_impossible(made) && std::find(here, plans.end(), made) == plans.end())
        plans.push_back(std::move(made));
}

/// Everything of one point and one method, without what the product has twice.
void add_all(std::vector<plan>& plans, const choices& wanted, plan made)
{
    const std::size_t from = plans.size();
    for (const auto family : either(wanted.families, {address_family::ipv4}))
        for (const auto how : either(wanted.schemes, all_listed<scheme>()))
            for (const bool unread : either(wanted.unread, {false, true}))
                for (const bool blocked : either(wanted.blocked, {false, true})) {
                    made.family = family;
                    made.tls = how == scheme::https;
                    made.unread = unread;
                    made.blocked = blocked;
                    for (const body& request : either(wanted.requests, default_requests(made)))
                        for (const body& response :
                             either(wanted.responses, default_responses(made))) {
                            made.request = request;
                            made.response = response;
                            add(plans, from, made);
                        }
                }
}

} // namespace

std::vector<plan> every_plan(const choices& wanted)
{
    auto points = either(wanted.points, all_listed<kill_point>());
    auto methods = either(wanted.methods, all_listed<kill_method>());
    const auto tidy = [](auto& list) {
        std::ranges::sort(list);
        list.erase(std::unique(list.begin(), list.end()), list.end());
    };
    tidy(points);
    tidy(methods);
    std::vector<plan> plans;
    plan made;
    made.subject = wanted.subject;
    made.target = wanted.target;
    made.target_tls = wanted.target_tls;
    made.position = wanted.position;
    made.method = wanted.method.value_or(made.method);
    made.signal_to = wanted.signal_to;
    made.after = wanted.after;
    for (const kill_point at : points)
        for (const kill_method by : methods) {
            made.at = at;
            made.by = by;
            add_all(plans, wanted, made);
        }
    return plans;
}

} // namespace finwait
