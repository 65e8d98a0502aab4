#include "daemon/config/target_url.hpp"

#include "probe/model/endpoint.hpp"
#include "web/json/nearest.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>

namespace finwait::daemon {

namespace {

constexpr std::size_t longest_url = 2048;

bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool is_hex_digit(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// As inet_aton(3) reads the last part of an address: decimal, octal or hexadecimal.
bool ends_in_number(std::string_view host)
{
    if (host.ends_with('.'))
        host.remove_suffix(1);
    auto last = host.substr(host.rfind('.') + 1);
    if (last.starts_with("0x") || last.starts_with("0X"))
        return std::all_of(last.begin() + 2, last.end(), is_hex_digit);
    return !last.empty() && std::all_of(last.begin(), last.end(), is_digit);
}

bool is_literal(const std::string& host)
{
    boost::system::error_code failed;
    (void)boost::asio::ip::make_address(host, failed);
    return !failed;
}

// Boost.URL takes 99999 for a port, and gives another number for it.
bool is_port(std::string_view text)
{
    std::uint16_t port = 0;
    const char* const last = text.data() + text.size();
    const auto [end, failed] = std::from_chars(text.data(), last, port);
    return failed == std::errc{} && end == last && port != 0;
}

std::optional<std::string> why_no_host(const std::string& host)
{
    if (host.empty() || host == ".")
        return "names no host";
    if (!is_literal(host) && ends_in_number(host))
        return fmt::format(
            "has the host {}, which is neither a name nor an address as they are written: "
            "127.0.0.1 or [::1]",
            in_quotes(host)
        );
    // Boost.URL decodes %2F and %00 in a host; no name has them.
    const bool is_plain = std::all_of(host.begin(), host.end(), [](char c) {
        return is_hex_digit(c) || (c >= 'g' && c <= 'z') || (c >= 'G' && c <= 'Z') || c == '.' ||
               c == '-' || c == '_' || c == ':';
    });
    if (!is_plain)
        return fmt::format("has the host {}, which no name can be", in_quotes(host));
    return std::nullopt;
}

} // namespace

std::optional<std::string> why_no_target(const std::string& url)
{
    if (url.size() > longest_url)
        return fmt::format("is longer than {} bytes", longest_url);
    const auto parsed = boost::urls::parse_uri(url);
    if (!parsed)
        return "is no URL; write http://HOST[:PORT]/PATH or https://…";
    const auto& view = *parsed;
    const auto scheme = view.scheme_id();
    if (scheme != boost::urls::scheme::http && scheme != boost::urls::scheme::https)
        return fmt::format(
            "has the scheme {}; only http and https are probed",
            in_quotes(std::string(view.scheme()))
        );
    if (view.has_userinfo())
        return "carries user info; leave it out";
    if (view.has_fragment())
        return "has a fragment, which no server sees; leave it out";
    // Boost.URL 1.81 takes the address off the front of 1.2.3.4.example and of [::1]x, and makes a
    // path of the rest.
    const std::string path(view.encoded_path());
    if (!path.empty() && path.front() != '/')
        return fmt::format(
            "has the address {} with more behind it, which is no host",
            std::string(view.host_address())
        );
    if (auto why = why_no_host(std::string(view.host_address())))
        return why;
    if (const std::string port(view.port()); view.has_port() && !port.empty() && !is_port(port))
        return fmt::format("has the port {}; it must be from 1 to 65535", in_quotes(port));
    return std::nullopt;
}

} // namespace finwait::daemon
