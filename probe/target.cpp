#include "probe/target.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <charconv>

namespace finwait {
namespace {

using boost::system::error_code;

/// What can be wrong with a target.
enum class target_error { no_url = 1, scheme, user_info, host, host_and_more, port, family };

class target_category_type final : public boost::system::error_category
{
public:
    const char* name() const noexcept override { return "finwait.target"; }
    std::string message(int value) const override
    {
        switch (static_cast<target_error>(value)) {
        case target_error::no_url:
            return "The target is no URL. Write http://HOST[:PORT]/PATH or https://….";
        case target_error::scheme:
            return "The target's scheme is neither http nor https.";
        case target_error::user_info:
            return "The target carries user info; leave it out.";
        case target_error::host:
            return "The target names no host.";
        case target_error::host_and_more:
            return "The target's host begins with an address and goes on: write the address or a "
                   "name that does not begin with one.";
        case target_error::port:
            return "The target's port is not between 1 and 65535.";
        case target_error::family:
            return "The target's address is of the other family: use --ipv6 for IPv6 addresses, "
                   "and "
                   "only for them.";
        }
        return "The target is unusable.";
    }
};

error_code wrong(target_error what)
{
    static const target_category_type category;
    return {static_cast<int>(what), category};
}

} // namespace

kernel::result<client::destination>
destination_of_url(const std::string& url, address_family family)
{
    const auto parsed = boost::urls::parse_uri(url);
    if (!parsed)
        return wrong(target_error::no_url);
    const auto& view = *parsed;
    const bool https = view.scheme_id() == boost::urls::scheme::https;
    if (!https && view.scheme_id() != boost::urls::scheme::http)
        return wrong(target_error::scheme);
    if (view.has_userinfo())
        return wrong(target_error::user_info);
    const std::string host(view.host_address());
    // %00 is decoded; "." is the root of all names, and no host.
    if (host.empty() || host == "." || host.find('\0') != std::string::npos)
        return wrong(target_error::host);
    // Of http://127.0.0.1.example/ Boost.URL 1.81 makes the host 127.0.0.1, and a path of the rest.
    if (const auto path = view.encoded_path(); !path.empty() && path.front() != '/')
        return wrong(target_error::host_and_more);
    std::uint16_t port = https ? 443 : 80;
    // Boost.URL takes 99999 for a port, and gives another number for it.
    if (const std::string text(view.port()); !text.empty()) {
        const auto [stop, failed] = std::from_chars(text.data(), text.data() + text.size(), port);
        if (failed != std::errc{} || port == 0)
            return wrong(target_error::port);
    }

    client::destination out;
    out.stalls = false;
    out.host = std::string(view.encoded_host_and_port());
    const std::string target(view.encoded_target());
    out.path = target.starts_with('/') ? target : "/" + target;
    error_code no_literal;
    const auto address = boost::asio::ip::make_address(host, no_literal);
    if (no_literal) {
        out.name = host;
        out.address.port(port);
        return out;
    }
    if (address.is_v6() != (family == address_family::ipv6))
        return wrong(target_error::family);
    out.address = {address, port};
    return out;
}

bool is_https(std::string_view url)
{
    const auto parsed = boost::urls::parse_uri({url.data(), url.size()});
    return parsed && parsed->scheme_id() == boost::urls::scheme::https;
}

} // namespace finwait
