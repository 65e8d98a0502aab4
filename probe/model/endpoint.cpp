#include "probe/model/endpoint.hpp"

#include <charconv>

#include <arpa/inet.h>

namespace finwait {

std::string to_string(const endpoint& where)
{
    char text[INET6_ADDRSTRLEN] = {};
    const bool v4 = where.family == address_family::ipv4;
    inet_ntop(v4 ? AF_INET : AF_INET6, where.address.data(), text, sizeof text);
    std::string out = v4 ? std::string(text) : "[" + std::string(text) + "]";
    out += ":" + std::to_string(where.port);
    return out;
}

bool parse_endpoint(const std::string& text, endpoint& out)
{
    const auto colon = text.rfind(':');
    if (colon == std::string::npos)
        return false;
    endpoint parsed;
    const char* const end = text.data() + text.size();
    const auto [stop, failure] = std::from_chars(text.data() + colon + 1, end, parsed.port);
    if (failure != std::errc{} || stop != end)
        return false;
    std::string host = text.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        parsed.family = address_family::ipv6;
        host = host.substr(1, host.size() - 2);
    }
    const int family = parsed.family == address_family::ipv4 ? AF_INET : AF_INET6;
    if (inet_pton(family, host.c_str(), parsed.address.data()) != 1)
        return false;
    out = parsed;
    return true;
}

endpoint loopback(address_family family, std::uint16_t port)
{
    endpoint where;
    where.family = family;
    where.port = port;
    if (family == address_family::ipv4)
        where.address = {127, 0, 0, 1};
    else
        where.address[15] = 1;
    return where;
}

endpoint unmapped(const endpoint& where)
{
    constexpr std::array<std::uint8_t, 12> prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (where.family == address_family::ipv4 ||
        !std::equal(prefix.begin(), prefix.end(), where.address.begin()))
        return where;
    endpoint plain;
    std::copy_n(where.address.begin() + prefix.size(), 4, plain.address.begin());
    plain.port = where.port;
    return plain;
}

} // namespace finwait
