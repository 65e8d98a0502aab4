#include "web/guard.hpp"

#include "web/target.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/verb.hpp>
#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace finwait::web {

namespace {

namespace http = boost::beast::http;
using maybe = std::optional<problem>;

/// Where a request came in and what is let through there.
struct door
{
    listener_kind listener;
    const guard_rules& rules;
};

std::string lower(std::string_view text)
{
    std::string out(text);
    const auto fold = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    std::transform(out.begin(), out.end(), out.begin(), fold);
    return out;
}

bool is_reading(http::verb method)
{
    return method == http::verb::get || method == http::verb::head || method == http::verb::options;
}

maybe check_method(const request_head& head, const door&)
{
    constexpr std::array writing{
        http::verb::post, http::verb::put, http::verb::patch, http::verb::delete_};
    if (is_reading(head.method()) ||
        std::find(writing.begin(), writing.end(), head.method()) != writing.end())
        return std::nullopt;
    return problem{problem_code::not_implemented, "the method is none that is known here"};
}

/// No transfer coding at all: every reading of one that a proxy and Beast do not share is a way to
/// smuggle a request (RFC 9112 11.2), and no client of this API needs one.
maybe check_transfer_encoding(const request_head& head, const door&)
{
    if (head.count(http::field::transfer_encoding) == 0)
        return std::nullopt;
    return problem{
        problem_code::length_required,
        "Transfer-Encoding is not accepted; send the body with a Content-Length"};
}

/// RFC 9112 3.2: exactly one, in HTTP/1.1; here in HTTP/1.0 as well.
maybe check_host_count(const request_head& head, const door&)
{
    if (head.count(http::field::host) == 1 && !head[http::field::host].empty())
        return std::nullopt;
    return problem{problem_code::bad_request, "exactly one Host is needed, and it names a host"};
}

maybe check_host_name(const request_head& head, const door& at)
{
    const auto host = lower(head[http::field::host]);
    const auto& ours = at.rules.hosts;
    if (std::find(ours.begin(), ours.end(), host) != ours.end())
        return std::nullopt;
    return problem{
        problem_code::host_not_allowed,
        "Host must be localhost, 127.0.0.1, [::1] or a configured name, with this server's port "
        "or none"};
}

/// The parser takes `1, 1` and two equal lines for one length; others do not.
maybe check_length(const request_head& head, const door&)
{
    const auto lines = head.count(http::field::content_length);
    const std::string_view text = head[http::field::content_length];
    if (lines == 0 && head.method() == http::verb::post)
        return problem{problem_code::length_required, "POST needs a Content-Length"};
    if (lines == 0)
        return std::nullopt;
    std::uint64_t length = 0;
    const auto* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, length);
    if (lines > 1 || error != std::errc() || rest != end)
        return problem{problem_code::bad_request, "Content-Length must be one decimal number"};
    if (length > longest_body_bytes)
        return problem{problem_code::payload_too_large, "a body has at most 65536 bytes"};
    if (length > 0 && (is_reading(head.method()) || head.method() == http::verb::delete_))
        return problem{
            problem_code::bad_request, "GET, HEAD, OPTIONS and DELETE have no body here"};
    return std::nullopt;
}

maybe check_target(const request_head& head, const door&)
{
    if (head.target().size() > longest_target_bytes)
        return problem{problem_code::header_too_large, "a target has at most 2048 bytes"};
    if (!parse_target(head.target()))
        return problem{problem_code::bad_request, "the target must be a path of this server"};
    return std::nullopt;
}

maybe check_field_count(const request_head& head, const door&)
{
    if (std::distance(head.begin(), head.end()) <= static_cast<std::ptrdiff_t>(most_fields))
        return std::nullopt;
    return problem{problem_code::header_too_large, "a header has at most 64 fields"};
}

maybe check_expect(const request_head& head, const door&)
{
    const auto [first, last] = head.equal_range(http::field::expect);
    const auto known = [](const auto& field) {
        return lower(field.value()) == "100-continue";
    };
    if (std::all_of(first, last, known))
        return std::nullopt;
    return problem{problem_code::expectation_failed, "the only expectation known is 100-continue"};
}

/// RFC 6750 2.1. The time that the comparison takes tells nothing of the token but its length.
bool shows(const request_head& head, const std::string& token)
{
    constexpr std::string_view scheme = "bearer ";
    if (head.count(http::field::authorization) != 1)
        return false;
    const std::string_view field = head[http::field::authorization];
    if (lower(field.substr(0, scheme.size())) != scheme)
        return false;
    const auto shown = field.substr(scheme.size());
    return shown.size() == token.size() &&
           CRYPTO_memcmp(shown.data(), token.data(), token.size()) == 0;
}

/// Whoever may open the Unix socket may write: its mode and group say who that is.
maybe check_listener(const request_head& head, const door& at)
{
    if (is_reading(head.method()) || at.listener == listener_kind::unix_)
        return std::nullopt;
    if (!at.rules.token)
        return problem{
            problem_code::read_only_listener,
            "the TCP listener answers GET, HEAD and OPTIONS only; " +
                (at.rules.writing_place.empty() ? std::string("there is no listener for more")
                                                : "write to " + at.rules.writing_place)};
    if (shows(head, *at.rules.token))
        return std::nullopt;
    return problem{
        problem_code::unauthenticated,
        "writing over TCP needs Authorization: Bearer and the token"};
}

/// Fetch metadata and Origin: a page of another site may send requests to a loopback address, also
/// without reading the answers. Other ports of this host are other sites, too.
maybe check_origin(const request_head& head, const door&)
{
    const auto where = parse_target(head.target()); // decoded: `/%61pi` is the same place
    if (!where || where->segments.front() != "api")
        return std::nullopt;
    const auto of_another = [&](const auto& field) {
        if (field.name() == http::field::origin)
            return lower(field.value()) != "http://" + lower(head[http::field::host]);
        if (!boost::beast::iequals(field.name_string(), "Sec-Fetch-Site"))
            return false;
        const auto site = lower(field.value());
        return site != "same-origin" && site != "none";
    };
    if (std::none_of(head.begin(), head.end(), of_another))
        return std::nullopt;
    return problem{problem_code::cross_origin, "the request was made by a page of another origin"};
}

/// A form of another site can send text/plain and two others without asking; never this one. DELETE
/// shows it as well, though it has no body: what cannot be sent without asking is what protects.
/// The other methods change nothing, since no route has them.
maybe check_content_type(const request_head& head, const door&)
{
    if (head.method() != http::verb::post && head.method() != http::verb::delete_)
        return std::nullopt;
    const auto text = lower(head[http::field::content_type]);
    const auto end = text.find_first_of("; \t");
    if (head.count(http::field::content_type) == 1 && text.substr(0, end) == "application/json")
        return std::nullopt;
    return problem{problem_code::not_json, "Content-Type must be application/json"};
}

} // namespace

std::vector<std::string> hosts_of(
    const std::vector<net::ip::tcp::endpoint>& listeners, const std::vector<std::string>& configured
)
{
    std::vector<std::string> hosts{"localhost", "127.0.0.1", "[::1]"};
    for (const auto& each : listeners) {
        const auto address = each.address().to_string();
        hosts.push_back(each.address().is_v6() ? "[" + address + "]" : address);
    }
    for (const auto& each : configured)
        hosts.push_back(lower(each));
    const auto alone = hosts.size();
    for (const auto& each : listeners)
        for (std::size_t i = 0; i < alone; ++i)
            hosts.push_back(hosts[i] + ":" + std::to_string(each.port()));
    return hosts;
}

std::optional<problem>
refusal_of(const request_head& head, listener_kind listener, const guard_rules& rules)
{
    constexpr std::array checks{
        check_method,
        check_transfer_encoding,
        check_host_count,
        check_host_name,
        check_length,
        check_target,
        check_field_count,
        check_expect,
        check_listener,
        check_origin,
        check_content_type};
    const door at{listener, rules};
    for (const auto check : checks)
        if (auto refused = check(head, at); refused)
            return refused;
    return std::nullopt;
}

problem refusal_of(const boost::system::error_code& parser_error)
{
    if (parser_error == http::error::header_limit || parser_error == http::error::buffer_overflow)
        return header_too_large();
    return {problem_code::bad_request, "the request is no HTTP/1.1: " + parser_error.message()};
}

problem header_too_large()
{
    return {problem_code::header_too_large, "a header has at most 8192 bytes"};
}

std::size_t body_bytes_of(const request_head& head)
{
    const std::string_view text = head[http::field::content_length];
    std::size_t length = 0;
    std::from_chars(text.data(), text.data() + text.size(), length);
    return length;
}

} // namespace finwait::web
