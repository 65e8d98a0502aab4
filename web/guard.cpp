#include "web/guard.hpp"

#include "web/target.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/verb.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace finwait::web {

namespace {

namespace http = boost::beast::http;
using maybe = std::optional<problem>;
using names = std::vector<std::string>;

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

maybe check_method(const request_head& head, const names&)
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
maybe check_transfer_encoding(const request_head& head, const names&)
{
    if (head.count(http::field::transfer_encoding) == 0)
        return std::nullopt;
    return problem{
        problem_code::length_required,
        "Transfer-Encoding is not accepted; send the body with a Content-Length"};
}

/// RFC 9112 3.2: exactly one, in HTTP/1.1; here in HTTP/1.0 as well.
maybe check_host_count(const request_head& head, const names&)
{
    if (head.count(http::field::host) == 1 && !head[http::field::host].empty())
        return std::nullopt;
    return problem{problem_code::bad_request, "exactly one Host is needed, and it names a host"};
}

maybe check_host_name(const request_head& head, const names& hosts)
{
    const auto host = lower(head[http::field::host]);
    if (std::find(hosts.begin(), hosts.end(), host) != hosts.end())
        return std::nullopt;
    return problem{
        problem_code::host_not_allowed,
        "Host must be localhost, 127.0.0.1 or [::1], with this listener's port or none"};
}

/// The parser takes `1, 1` and two equal lines for one length; others do not.
maybe check_length(const request_head& head, const names&)
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
    if (length > 0 && is_reading(head.method()))
        return problem{problem_code::bad_request, "GET, HEAD and OPTIONS have no body here"};
    return std::nullopt;
}

maybe check_target(const request_head& head, const names&)
{
    if (head.target().size() > longest_target_bytes)
        return problem{problem_code::header_too_large, "a target has at most 2048 bytes"};
    if (!parse_target(head.target()))
        return problem{problem_code::bad_request, "the target must be a path of this server"};
    return std::nullopt;
}

maybe check_field_count(const request_head& head, const names&)
{
    if (std::distance(head.begin(), head.end()) <= static_cast<std::ptrdiff_t>(most_fields))
        return std::nullopt;
    return problem{problem_code::header_too_large, "a header has at most 64 fields"};
}

/// `100-continue` needs no interim answer: no body is ever waited for, so the final one comes at
/// once (RFC 9110 10.1.1).
maybe check_expect(const request_head& head, const names&)
{
    const auto [first, last] = head.equal_range(http::field::expect);
    const auto known = [](const auto& field) {
        return lower(field.value()) == "100-continue";
    };
    if (std::all_of(first, last, known))
        return std::nullopt;
    return problem{problem_code::expectation_failed, "the only expectation known is 100-continue"};
}

maybe check_listener(const request_head& head, const names&)
{
    if (is_reading(head.method()))
        return std::nullopt;
    return problem{
        problem_code::read_only_listener,
        "the TCP listener answers GET, HEAD and OPTIONS only; nothing can be changed through it"};
}

/// Fetch metadata and Origin: a page of another site may send requests to a loopback address, also
/// without reading the answers. Other ports of this host are other sites, too.
maybe check_origin(const request_head& head, const names&)
{
    const auto where = parse_target(head.target()); // decoded: `/%61pi` is the same place
    if (!where || where->segments.front() != "api")
        return std::nullopt;
    const auto own = "http://" + lower(head[http::field::host]);
    for (const auto& field : head) {
        const auto value = lower(field.value());
        const bool of_site = boost::beast::iequals(field.name_string(), "Sec-Fetch-Site");
        if ((of_site && value != "same-origin" && value != "none") ||
            (field.name() == http::field::origin && value != own))
            return problem{
                problem_code::cross_origin, "the request was made by a page of another origin"};
    }
    return std::nullopt;
}

} // namespace

std::vector<std::string> hosts_of(const net::ip::tcp::endpoint& listener)
{
    const auto address = listener.address();
    std::vector<std::string> hosts{
        "localhost",
        "127.0.0.1",
        "[::1]",
        address.is_v6() ? "[" + address.to_string() + "]" : address.to_string(),
    };
    const auto alone = hosts.size();
    for (std::size_t i = 0; i < alone; ++i)
        hosts.push_back(hosts[i] + ":" + std::to_string(listener.port()));
    return hosts;
}

std::optional<problem> refusal_of(const request_head& head, const std::vector<std::string>& hosts)
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
        check_origin};
    for (const auto check : checks)
        if (auto refused = check(head, hosts); refused)
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

} // namespace finwait::web
